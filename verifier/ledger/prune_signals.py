"""Old signals are forgotten, a page of the log at a time."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, not_, or_, select

from verifier.ledger.horizon import Page
from verifier.ledger.schema import signals
from verifier.runs.signal import Kind

PAGE = 500
"""Signals that one step looks at: few enough that nobody notices the wait."""


def oldest(connection: Connection) -> datetime | None:
    """When the first signal of the log came; None for an empty log."""
    first = select(signals.c.received_at).order_by(signals.c.seq).limit(1)
    moment: datetime | None = connection.scalar(first)
    return moment


def find(connection: Connection, before: datetime, place: int | None) -> Page[int]:
    """How many signals of the page after ``place`` are to be forgotten."""
    first = place or 0
    last, following = _page(connection, before, first)
    if last is None:
        return Page(0, None)
    found = select(func.count()).select_from(signals).where(_goes(before, first, last))
    return Page(connection.scalar(found) or 0, following)


def prune(connection: Connection, before: datetime, place: int | None) -> Page[int]:
    """Forget the signals of the page after ``place`` that were said and came before ``before``.

    What is folded from them stays as it is.
    """
    first = place or 0
    last, following = _page(connection, before, first)
    if last is None:
        return Page(0, None)
    forgotten = connection.execute(delete(signals).where(_goes(before, first, last)))
    return Page(forgotten.rowcount, following)


def _page(connection: Connection, before: datetime, place: int) -> tuple[int | None, int | None]:
    """The last row of the page, if any of it may go, and where the next page begins."""
    page = (
        select(signals.c.seq, signals.c.received_at)
        .where(signals.c.seq > place)
        .order_by(signals.c.seq)
        .limit(PAGE)
        .subquery()
    )
    counts = select(func.count(), func.max(page.c.seq), func.min(page.c.received_at))
    count, last, first_came = connection.execute(counts).one()
    # Rows lie in the order in which they came, so behind a page that is all young there
    # is nothing old.
    if not count or first_came >= before:
        return None, None
    return last, last if count == PAGE else None


def _goes(before: datetime, first: int, last: int) -> ColumnElement[bool]:
    return and_(
        signals.c.seq > first,
        signals.c.seq <= last,
        signals.c.at < before,
        signals.c.received_at < before,
        or_(not_(signals.c.anonymous), _closed(before)),
    )


def _closed(before: datetime) -> ColumnElement[bool]:
    """Whether nothing that may yet be told can belong to a signal's anonymous attempt.

    A signal without an attempt belongs to what the last start before it opened. So the
    last start before ``before`` stays, with all that is bound as it is.
    """
    beside: Any = signals.alias("beside")
    start: Any = signals.alias("start")
    newest = (
        select(func.max(beside.c.at))
        .where(
            beside.c.job == signals.c.job,
            beside.c.attempt == signals.c.attempt,
            beside.c.anonymous,
        )
        .correlate(signals)
        .scalar_subquery()
    )
    return (
        select(start.c.seq)
        .where(
            start.c.job == signals.c.job,
            start.c.partition == signals.c.partition,
            start.c.anonymous,
            start.c.kind == Kind.STARTED,
            start.c.at > newest,
            start.c.at < before,
        )
        .correlate(signals)
        .exists()
    )
