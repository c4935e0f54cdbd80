"""How far a job's source was heard: beyond that, silence proves nothing."""

from datetime import UTC, datetime, timedelta

import msgspec

CLOCK_TOLERANCE = timedelta(seconds=30)
"""How far the clock of a source may be from ours: half of what a start may be early."""

_NEVER = datetime.min.replace(tzinfo=UTC)


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """``until``: all that was said up to then is known; None where nothing was heard yet.

    ``due``: when the source should have been heard again; None where nobody can tell.
    """

    until: datetime | None = None
    due: datetime | None = None


def heard_at(contact: Contact | None, now: datetime) -> datetime:
    """The latest instant up to ``now`` at which silence was silence.

    A job without a source reports to us by itself, so that is ``now``.
    """
    if contact is None:
        return now
    return min(now, contact.until or _NEVER)


def is_silent(contact: Contact | None, now: datetime) -> bool:
    """Whether a source was not heard when it should have been, or never was."""
    return contact is not None and (contact.due is None or contact.due <= now)


def next_contact(contact: Contact | None, now: datetime) -> datetime | None:
    """When more may have been heard; None where that will be told when it is so."""
    return None if contact is None or is_silent(contact, now) else contact.due
