"""The reference page of the metrics, made from the catalogue."""

from collections.abc import Iterator, Sequence

from verifier.catalogue.budget import MOST_SERIES, series_per_job
from verifier.catalogue.counters import COUNTERS
from verifier.catalogue.families import FAMILIES
from verifier.catalogue.family import Family, LaneRule, Presence, Type
from verifier.catalogue.histograms import HISTOGRAMS
from verifier.catalogue.label import JOB_NAME, Label
from verifier.catalogue.process import PROCESS
from verifier.catalogue.sources import SOURCES
from verifier.catalogue.states import STATES
from verifier.catalogue.times import TIMES

PAGE = "docs/reference/metrics.md"
"""Where the page is kept; remade by ``python -m verifier.catalogue.reference``."""

_INTRO = f"""\
# Metrics

<!-- Made from verifier/catalogue by `python -m verifier.catalogue.reference`. Do not edit. -->

`GET /metrics` answers in the text format of Prometheus or in OpenMetrics, as the scraper asks.
It is whole or it is 503: before the first figures are there, nothing is exported, and while the
ledger cannot be read, the last figures are, with the time at which they were true in
`landed_last_evaluation_timestamp_seconds`.

- Families of the **ledger** are the same on every replica, survive restarts and are not lowered
  when history is pruned, a verdict is revised, or a job is removed and added again. Families of a
  **process** are of the `serve` that is scraped.
- The job is in the label `job_name`; the scraper's own `job` is left alone.
- An instant that does not exist is absent, and never 0.
- Counters and histograms count events. Each event counts once, when it first becomes known,
  however often and in whatever order it is told. They start at 0 when a job is registered, so
  that `increase()` sees the first one. Of counters split by lane that is true of the lane `live`;
  the combinations of another lane start when the job first has something in it.
- Histograms and conditions are of the lane `live`: of attempts that nobody made by hand, as
  reruns or to backfill, and of runs that the schedule asked for.
- A job with 4 checks has {series_per_job(FAMILIES)} series, and a few more while it is in trouble:
  at most {MOST_SERIES}.
"""

_SECTIONS: tuple[tuple[str, str, Sequence[Family]], ...] = (
    ("Instants of a job", "All in seconds since 1970-01-01T00:00:00Z.", TIMES),
    ("How a job stands", "", STATES),
    ("Events of a job", "", COUNTERS),
    ("Distributions", "", HISTOGRAMS),
    ("Sources of signals", "", SOURCES),
    ("The process", "", PROCESS),
)

_LANES = {
    LaneRule.SPLIT: "told apart by `lane`",
    LaneRule.LIVE: "`live` only",
    LaneRule.ALL: "all",
    LaneRule.NONE: "",
}
_PRESENCE = {
    Presence.ALWAYS: "always",
    Presence.KNOWN: "where known",
    Presence.HELD: "while above 0",
}


def reference() -> str:
    """The page, in Markdown."""
    return "\n".join([_INTRO, *(line for section in _SECTIONS for line in _section(*section))])


def _section(title: str, intro: str, families: Sequence[Family]) -> Iterator[str]:
    yield f"## {title}\n"
    if intro:
        yield f"{intro}\n"
    for family in families:
        yield from _family(family)


def _family(family: Family) -> Iterator[str]:
    yield f"### `{family.name}`\n"
    yield f"{family.help}\n"
    if family.missing:
        yield f"Not exported yet: {family.missing}.\n"
    yield from (f"- {fact}" for fact in _facts(family))
    yield ""


def _facts(family: Family) -> Iterator[str]:
    yield f"{family.type} of the {family.scope}" + (f", in {family.unit}" if family.unit else "")
    for label in family.labels:
        yield _label(family, label)
    if family.lanes is not LaneRule.NONE:
        yield f"lanes: {_LANES[family.lanes]}"
    if family.type is Type.GAUGE:
        yield f"exported {_PRESENCE[family.presence]}"
    if family.buckets:
        yield f"buckets up to {', '.join(f'{bound:g}' for bound in family.buckets)}, +Inf"


def _label(family: Family, label: Label) -> str:
    if label == JOB_NAME:
        return "`job_name`"
    if not label.closed:
        return f"`{label.name}`: {label.declared}"
    values = ", ".join(f"`{value}`" for value in label.values)
    one = ", one at a time" if label.name == family.one_of else ""
    return f"`{label.name}`: {values}{one}"


def main() -> None:
    """Write the page anew, below the working directory."""
    from pathlib import Path

    page = Path(PAGE)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
