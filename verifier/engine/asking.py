"""Verifying when asked: evaluate now, wait for settle and for the confirming look."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from verifier.engine.assess import assess
from verifier.engine.clock import Clock, Wait
from verifier.engine.due import declared_slots
from verifier.engine.fleet import Fleet
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.runs.binding import RunKey
from verifier.runs.evaluation import Cause
from verifier.runs.instant import format_instant
from verifier.runs.looks import Look
from verifier.runs.standing import standing

Progress = Callable[[int, int], None]
"""Told how many runs of how many are done."""


def verify(
    ledger: Ledger,
    fleet: Fleet,
    keys: Sequence[RunKey],
    clock: Clock,
    wait: Wait,
    progress: Progress = lambda _done, _total: None,
) -> None:
    """Evaluate each run once at least, and stay for the looks that follow at once.

    Returns when each run is judged, or has to wait for more than a settle: for an
    attempt that is alive or at large, or for a destination that cannot be asked.
    """
    asked: set[RunKey] = set()
    open_keys = list(keys)
    progress(0, len(keys))
    while open_keys:
        waits: list[datetime] = []
        still_open = []
        for key in open_keys:
            until = _step(ledger, fleet, key, clock, asked)
            if until is not None:
                waits.append(until)
                still_open.append(key)
        open_keys = still_open
        progress(len(keys) - len(open_keys), len(keys))
        if waits:
            wait(max(min(waits) - clock(), timedelta()))


def _step(
    ledger: Ledger, fleet: Fleet, key: RunKey, clock: Clock, asked: set[RunKey]
) -> datetime | None:
    """Do what the run needs now; until when to wait for it, None where it is done."""
    now = clock()
    facts = ledger.facts(key, now)
    patience = facts.declaration.settle + timedelta(seconds=1)
    look = standing(facts, now).next_look
    as_one = fleet.asked_as(key, now)
    soon = look is not None and _follows(look, as_one in asked) and look.at <= now + patience
    if not soon:
        if as_one in asked or not facts.declaration.checks:
            return None
        cause = Cause.ASKED
    elif look is not None and look.at > now:
        return look.at
    else:
        cause = look.cause if look is not None else Cause.ASKED
    asked.add(as_one)
    assess(ledger, fleet, key, cause, clock)
    return clock()


def _follows(look: Look, was_asked: bool) -> bool:
    """Whether a look is part of what was asked for; a recheck is not, once it was asked."""
    return not was_asked or look.cause not in (Cause.RECHECK, Cause.ASK_AGAIN)


def runs_between(
    ledger: Ledger, job: str, start: datetime, end: datetime, partition: str | None = None
) -> list[RunKey]:
    """Every slot of ``job`` in [start, end), and every run that is known there, in order.

    Raises ``KeyError`` for a job that is not declared.
    """
    history = ledger.histories()[job]
    known = ledger.runs(RunFilter(job=job, partition=partition, since=start, until=end))
    keys = {row.key for row in known}
    keys |= {
        RunKey(job, format_instant(due), partition or "")
        for due in declared_slots(history, start, end)
    }
    return sorted(keys, key=lambda key: (key.due or start, key.occurrence, key.partition))
