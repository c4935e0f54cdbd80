"""Runs and jobs as documents, read from the ledger."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from verifier.engine.due import last_due, next_due
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.runs.action import is_held, muted_until
from verifier.runs.binding import RunKey, parse_path
from verifier.runs.declaration import Declaration, History
from verifier.runs.instant import parse_instant
from verifier.runs.occurrence import Useful, last_useful
from verifier.runs.slots import next_slot
from verifier.runs.standing import standing
from verifier.runs.verdict import Verdict
from verifier.runs.view import Keepsakes, instant, run_document


def document(ledger: Ledger, key: RunKey, now: datetime) -> dict[str, Any]:
    """The Run document of one run, as it stands at ``now``."""
    facts = ledger.facts(key, now)
    row = ledger.row(key)
    kept = Keepsakes(
        declared_at=ledger.declared_at(key, now),
        judged_at=row.judged_at if row else None,
        revisions=ledger.revisions(key),
        guard=ledger.guard_decisions(key),
    )
    return run_document(facts, standing(facts, now), kept, now)


def documents(ledger: Ledger, keys: Iterable[RunKey], now: datetime) -> list[dict[str, Any]]:
    """The Run documents of several runs, in the order given."""
    return [document(ledger, key, now) for key in keys]


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


def job_status(ledger: Ledger, job: str, history: History, now: datetime) -> dict[str, Any]:
    """What ``status`` tells of one job."""
    declaration = history.latest
    times = ledger.last_times(job)
    useful = useful_completion(ledger, job, declaration)
    actions = ledger.actions(job=job)
    held = is_held(each for each in actions if each.run_id is None)
    muted = muted_until(actions, now)
    return {
        "job": job,
        "next_due": instant(next_due(history, now)),
        "last_due": instant(last_due(history, now)),
        "last_started": instant(times.last_started),
        "last_success": instant(times.last_success),
        "last_useful_completion": instant(useful.completed_at if useful else None),
        "useful_completion_due": instant(
            useful_due(history, useful) if declaration.provable and muted is None else None
        ),
        "active_attempts": times.active_attempts,
        "open": open_verdicts(ledger, job, declaration),
        "held": held is not None,
        "muted_until": instant(muted),
    }


def open_verdicts(ledger: Ledger, job: str, declaration: Declaration) -> dict[str, int]:
    """How many runs wait for a person, by verdict.

    An ``unproven`` run of a job without checks is its normal state, so not open.
    """
    counts = ledger.counts_open(job)
    return {
        str(verdict): count
        for verdict, count in counts.items()
        if not verdict.closed and (declaration.checks or verdict is not Verdict.UNPROVEN)
    }


def useful_completion(ledger: Ledger, job: str, declaration: Declaration) -> Useful | None:
    """The last useful completion of a job."""
    return last_useful(dict(ledger.newest_verified(job)), declaration.complete_when_pct)


def useful_due(history: History, useful: Useful | None) -> datetime:
    """When the last useful completion becomes stale.

    The next occurrence after it, and ``verified_within`` more; where there was
    none yet, the first one that was expected.
    """
    declaration = history.latest
    if useful is not None:
        return next_slot(declaration.schedule, useful.due) + declaration.verified_within
    since = declaration.since or history.registered
    first = next_slot(declaration.schedule, since - datetime.resolution)
    return first + declaration.verified_within
