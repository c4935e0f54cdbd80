"""How each source stands: heard until when, silent since when and why, blind when."""

from datetime import datetime, timedelta
from typing import Any

from verifier.engine.listening import GAP
from verifier.ledger.ledger import Ledger
from verifier.ledger.sources import NATIVE, SourceState
from verifier.ledger.windows import BlindWindow
from verifier.runs.view import instant

SHOWN = timedelta(days=7)
"""How long a window is shown that is never caught up, if only by pings; it is kept for good."""


def source_statuses(ledger: Ledger, now: datetime) -> list[dict[str, Any]]:
    """The source documents, what reports by itself first, then by name."""
    states = {name: state for name, state in ledger.sources().items() if state.declared}
    listened = ledger.last_listening(NATIVE)
    windows = ledger.windows()
    if listened is not None or any(each.source == NATIVE for each in windows):
        own = SourceState(heard_until=listened, contact_within=GAP)
        states = {NATIVE: own, **states}
    last = ledger.last_heard()
    # Who pings brings nothing later, so what was said in a gap is lost.
    pinged = {NATIVE} if ledger.pinged() else set()
    return [
        _document(
            name,
            state,
            last.get(name),
            [each for each in windows if each.source == name],
            now,
            pings_lost=name in pinged,
        )
        for name, state in states.items()
    ]


def _document(
    name: str,
    state: SourceState,
    last_signal: datetime | None,
    windows: list[BlindWindow],
    now: datetime,
    *,
    pings_lost: bool,
) -> dict[str, Any]:
    due = state.contact_due
    silent = due is None or due < now
    # One that was never heard is silent since it should have been.
    since = state.heard_until or min((each.since for each in windows), default=None)
    return {
        "source": name,
        "heard_until": instant(state.heard_until),
        "contact_due": instant(due),
        "silent_since": instant(since) if silent else None,
        "trouble": state.trouble,
        "last_signal": instant(last_signal),
        "clock_offset_seconds": None if state.ahead is None else state.ahead.total_seconds(),
        "blind": [
            {
                "since": instant(each.since),
                "until": instant(each.until),
                "caught_up_at": instant(each.caught_up_at),
                "pings_lost": pings_lost,
            }
            for each in windows
            if _matters(each, now, pings_lost=pings_lost)
        ],
    }


def _matters(window: BlindWindow, now: datetime, *, pings_lost: bool) -> bool:
    """Whether silence in it proves nothing yet, or proved nothing lately."""
    if window.until is None:
        return True
    if window.caught_up_at is not None and window.caught_up_at <= now and not pings_lost:
        return False
    return window.until > now - SHOWN
