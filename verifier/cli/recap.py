"""What became of each job since some instant: ran, really did, still unknown, do next."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from verifier.cli.tables import facts_grid, occurrence
from verifier.cli.text import plain, styled, verdict_word
from verifier.runs.instant import format_instant
from verifier.runs.verdict import Verdict

Document = Mapping[str, Any]

_SHOWN = 8
"""Runs that are told one by one; the document has them all."""

_UNKNOWN = frozenset({Verdict.AMBIGUOUS, Verdict.UNPROVEN})
_NOTHING_TO_DO = frozenset({"accept", "wait", "declare_check"})


def recap(jobs: Sequence[str], runs: Sequence[Document], since: datetime) -> dict[str, Any]:
    """The document of ``since``: each of ``jobs``, with what ``runs`` say of it."""
    of_job = {job: list(group) for job, group in groupby(sorted(runs, key=_job), key=_job)}
    return {
        "since": format_instant(since),
        "jobs": [_of_job(job, of_job.get(job, [])) for job in jobs],
    }


def _job(run: Document) -> str:
    return str(run["job"])


def _of_job(job: str, runs: Sequence[Document]) -> dict[str, Any]:
    runs = sorted(runs, key=lambda run: (run["due"] or "", run["run"]))
    return {
        "job": job,
        "runs": len(runs),
        "reported": dict(Counter(str(run["reported"]) for run in runs)),
        "did": dict(
            Counter(
                verdict_word(run).replace(" ", "_")
                for run in runs
                if run["verdict"] is not None and not _is_unknown(run)
            )
        ),
        "false_successes": sum(1 for run in runs if run["false_success"]),
        "unknown": [_short(run) for run in runs if _is_unknown(run)],
        "next": [_short(run) for run in runs if run["advice"]["action"] not in _NOTHING_TO_DO],
    }


def _is_unknown(run: Document) -> bool:
    """Whether nobody knows yet what a run really did; one that nobody asked to prove is not."""
    if run["verdict"] is None:
        return True
    return run["verdict"] in _UNKNOWN and bool(run["checks"])


def _short(run: Document) -> dict[str, Any]:
    return {
        "run": run["run"],
        "run_id": run["run_id"],
        "due": run["due"],
        "partition": run["partition"],
        "state": run["state"],
        "verdict": run["verdict"],
        "reported": run["reported"],
        "action": run["advice"]["action"],
    }


def told(document: Document) -> Iterator[RenderableType]:
    """The recap for people, to be written part by part."""
    yield Text(f"since {document['since']}", style="bold")
    for job in document["jobs"]:
        yield ""
        yield Text(plain(job["job"]), style="bold")
        yield facts_grid(_rows(job))


def _rows(job: Document) -> Iterator[tuple[str, str | Text]]:
    if not job["runs"]:
        yield "  ran", "nothing was due, and nothing ran"
        return
    yield "  ran", f"{_count(job['runs'], 'run')}; reported: {_counts(job['reported'])}"
    did = _counts(job["did"]) or "nothing that is known"
    if job["false_successes"]:
        did += f"; {_count(job['false_successes'], 'false success', 'false successes')}"
    yield "  did", did
    yield from _listed("  unknown", job["unknown"], "nothing")
    yield from _listed("  do next", job["next"], "nothing")


def _listed(title: str, runs: Sequence[Document], none: str) -> Iterator[tuple[str, str | Text]]:
    if not runs:
        yield title, none
    for index, run in enumerate(runs[:_SHOWN]):
        yield (title if index == 0 else ""), _line(run, with_action=title.endswith("next"))
    if len(runs) > _SHOWN:
        yield "", f"and {len(runs) - _SHOWN} more"


def _line(run: Document, *, with_action: bool) -> Text:
    where = occurrence({**run, "job": run["run"].partition("/")[0]})
    word = styled(run["verdict"] or run["state"])
    partition = f" {plain(run['partition'])}" if run["partition"] else ""
    line = Text(f"{where}{partition} is ").append_text(word)
    return line.append(f": {plain(run['action'])}", style="bold") if with_action else line


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {plain(word).replace('_', ' ')}" for word, count in counts.items())


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
