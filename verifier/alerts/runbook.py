"""The runbooks: one page for each alert, made from the rules."""

from collections.abc import Iterable, Iterator
from textwrap import wrap

from verifier.alerts.rule import Alert, Subject
from verifier.alerts.rulefile import ALERTS, GROUP
from verifier.runs.duration import format_duration

FOLDER = "docs/runbooks"
"""Where the pages are kept; remade by ``python -m verifier.alerts.runbook``."""

_WIDTH = 100
_MADE = "<!-- Made from verifier/alerts by `python -m verifier.alerts.runbook`. Do not edit. -->"

_SEVERITY = {
    Subject.JOB: "as the job declares it: `page` or `ticket`; a job of severity `none` has no "
    "alerts",
    Subject.SOURCE: "`page` where any job pages, else `ticket`",
    Subject.VERIFIER: "`page` where any job pages, else `ticket`",
    Subject.NOBODY: "`none`: it is expected to fire",
}


def runbooks() -> dict[str, str]:
    """All pages, by file name."""
    return {f"{alert.full_name}.md": _page(alert) for alert in ALERTS}


def _page(alert: Alert) -> str:
    return "\n".join(_lines(alert)) + "\n"


def _lines(alert: Alert) -> Iterator[str]:
    yield from (f"# {alert.full_name}", "", _MADE, "", "## What it means", "")
    yield from (*wrap(alert.meaning, _WIDTH), "")
    wait = f"after {format_duration(alert.wait)}" if alert.wait else "at once"
    yield f"- severity: {_SEVERITY[alert.subject]}"
    yield f"- fires {wait}, while this holds (recordings of the group `{GROUP}`):"
    yield from ("", "```promql", alert.expr, "```", "")
    yield from ("## How to look", "", "```sh", *alert.look, "```", "")
    yield from ("## What is safe", "", *_list(alert.safe), "")
    yield from ("## What not to do", "", *_list(alert.never))


def _list(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from wrap(text, _WIDTH, initial_indent="- ", subsequent_indent="  ")


def main() -> None:
    """Write the pages anew, below the working directory."""
    from pathlib import Path

    folder = Path(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in runbooks().items():
        (folder / name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
