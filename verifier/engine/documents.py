"""Runs and jobs as documents, read from the ledger."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from verifier.ledger.history import RunStory
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.runs.binding import RunKey, parse_path
from verifier.runs.figures import JobFigures, figures
from verifier.runs.instant import parse_instant
from verifier.runs.occurrence import Occurrence, occurrence
from verifier.runs.standing import Standing, standing
from verifier.runs.view import instant, run_document


def document(ledger: Ledger, key: RunKey, now: datetime) -> dict[str, Any]:
    """The Run document of one run, as it stands at ``now``."""
    return documents(ledger, [key], now)[0]


def documents(ledger: Ledger, keys: Sequence[RunKey], now: datetime) -> list[dict[str, Any]]:
    """The Run documents of several runs, in the order given, as of one snapshot."""
    return [told(story, now) for story in ledger.stories(keys, now)]


def told(story: RunStory, now: datetime) -> dict[str, Any]:
    """The Run document of a run of which that is known."""
    facts = story.facts
    stood = standing(facts, now)
    kept = msgspec.structs.replace(story.kept, occurrence=_occurrence(story, stood))
    return run_document(facts, stood, kept, now)


def _occurrence(story: RunStory, stood: Standing) -> Occurrence | None:
    """The partitions of a run of all, added up; None where the job has none."""
    facts = story.facts
    if facts.key.partition or facts.declaration.partition_name is None:
        return None
    count = stood.judged_by.partitions if stood.judged_by else None
    return occurrence(stood.verdict, count, facts.parts)


def list_runs(ledger: Ledger, filters: RunFilter, now: datetime) -> list[dict[str, Any]]:
    """The Run documents that ``filters`` pick, newest first."""
    return documents(ledger, [row.key for row in ledger.runs(filters)], now)


def find_run(ledger: Ledger, reference: str) -> RunKey:
    """The run that a person named: its run id, or ``job/DUE[/partition]``.

    Raises ``LookupError`` where no such run is known, ``ValueError`` where the text
    names none.
    """
    if "/" not in reference:
        key = ledger.find(reference)
        if key is None:
            raise LookupError(f"expected the id of a known run or job/DUE, found {reference[:80]}")
        return key
    key = parse_path(reference)
    if ledger.row(key) is None:
        if key.job not in ledger.histories():
            raise LookupError(f"no job is declared by the name of {key.job[:100]}")
        raise LookupError(f"no run is known by the name of {key.path[:200]}")
    return key


def due_of(text: str) -> datetime:
    """The instant of ``--due``; raises ``ValueError`` with what was expected."""
    return parse_instant(text)


def job_status(ledger: Ledger, job: str, now: datetime) -> dict[str, Any]:
    """What ``status`` tells of one job; ``/metrics`` tells the same figures."""
    known = figures(ledger.job_facts(job, now), now)
    useful = known.useful
    return {
        "job": job,
        "next_due": instant(known.next_due),
        "last_due": instant(known.last_due),
        "last_started": instant(known.last_started),
        "last_success": instant(known.last_success),
        "last_useful_completion": instant(useful.completed_at if useful else None),
        "useful_completion_due": instant(known.useful_due),
        "active_attempts": sum(known.active.values()),
        "open": open_verdicts(known),
        "held": known.held is not None,
        "muted_until": instant(known.muted_until),
    }


def open_verdicts(known: JobFigures) -> dict[str, int]:
    """How many runs wait for a person, by verdict."""
    counts: Counter[str] = Counter()
    for each in known.open:
        counts[each.verdict] += each.runs
    return dict(sorted(counts.items()))
