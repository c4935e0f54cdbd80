"""What became of each job since some instant: ran, really did, still unknown, do next."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from verifier.cli.tables import facts_grid, occurrence
from verifier.cli.text import next_text, plain, styled, verdict_word
from verifier.runs.instant import format_instant
from verifier.runs.verdict import Verdict

Document = Mapping[str, Any]

_SHOWN = 3
"""Runs of a kind that are named; the document has them all."""

_UNKNOWN = frozenset({Verdict.AMBIGUOUS, Verdict.UNPROVEN})
_NOTHING_TO_DO = frozenset({"accept", "wait", "declare_check"})


def recap(jobs: Sequence[str], runs: Sequence[Document], since: datetime) -> dict[str, Any]:
    """The document of ``since``: each of ``jobs``, with what ``runs`` say of it."""
    told = sorted(filter(_matters, runs), key=_job)
    of_job = {job: list(group) for job, group in groupby(told, key=_job)}
    return {
        "since": format_instant(since),
        "jobs": [_of_job(job, of_job.get(job, [])) for job in jobs],
    }


def _job(run: Document) -> str:
    return str(run["job"])


def _matters(run: Document) -> bool:
    """Not so a run that nobody expected or tried, and that shows nothing."""
    return bool(run["attempts"]) or run["verdict"] is not None or run["lane"] == "live"


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
        "job": run["job"],
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
        yield "  ran", "no run is known"
        return
    yield "  ran", f"{_count(job['runs'], 'run')}; reported: {_counts(job['reported'])}"
    did = _counts(job["did"]) or "nothing that is known"
    if job["false_successes"]:
        did += f"; {_count(job['false_successes'], 'false success', 'false successes')}"
    yield "  did", did
    yield "  unknown", _grouped(job["unknown"]) if job["unknown"] else "nothing"
    if not job["next"]:
        yield "  do next", "nothing"
    alike: dict[str, list[Document]] = {}
    for run in job["next"]:
        alike.setdefault(_next(run).plain, []).append(run)
    for index, runs in enumerate(alike.values()):
        title = "  do next" if index == 0 else ""
        yield title, _next(runs[0]).append(": ").append_text(_grouped(runs))


def _next(run: Document) -> Text:
    return next_text(run["action"], run["verdict"])


def _grouped(runs: Sequence[Document]) -> Text:
    """Runs gathered by how they stand, the first of each by name."""
    alike: dict[str, list[Document]] = {}
    for run in runs:
        alike.setdefault(run["verdict"] or run["state"], []).append(run)
    parts = []
    for word, group in alike.items():
        part = Text(f"{len(group)} ").append_text(styled(word))
        part.append(f" {', '.join(_where(run) for run in group[:_SHOWN])}")
        if len(group) > _SHOWN:
            part.append(f" and {len(group) - _SHOWN} more")
        parts.append(part)
    return Text("; ").join(parts)


def _where(run: Document) -> str:
    partition = f" {plain(run['partition'])}" if run["partition"] else ""
    return occurrence(run) + partition


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {plain(word).replace('_', ' ')}" for word, count in counts.items())


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
