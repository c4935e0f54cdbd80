"""When something last happened, by job or source; it never moves back, whatever is pruned."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from verifier.ledger.bulk import raise_to
from verifier.ledger.schema import latest
from verifier.ledger.types import What
from verifier.runs.instant import to_microseconds


class Latest:
    """The latest instants that one transaction has heard of so far."""

    def __init__(self) -> None:
        self._found: dict[tuple[What, str, str], datetime] = {}

    def reach(self, what: What, subject: str, at: datetime | None, detail: str = "") -> None:
        """It happened at ``at``, if that is an instant."""
        if at is None:
            return
        key = (what, subject, detail)
        known = self._found.get(key)
        if known is None or known < at:
            self._found[key] = at

    def write(self, connection: Connection) -> None:
        """Keep what is later than what is known, in the order of the keys."""
        if self._found:
            rows = [
                (what._value_, subject, detail, to_microseconds(at))
                for (what, subject, detail), at in sorted(self._found.items())
            ]
            raise_to(connection, latest, ("what", "subject", "detail", "at"), rows)
        self._found.clear()


def of_subject(connection: Connection, subject: str) -> Mapping[tuple[What, str], datetime]:
    """The instants of a job, by what happened and its detail."""
    found = connection.execute(_OF_SUBJECT, {"of": subject})
    return {(row.what, row.detail): row.at for row in found}


def heard(connection: Connection) -> dict[str, datetime]:
    """When a signal last came from each source, whichever job it told of."""
    return {row.subject: row.at for row in connection.execute(_HEARD)}


_OF_SUBJECT = select(latest).where(latest.c.subject == bindparam("of"), latest.c.what != What.HEARD)
_HEARD = (
    select(latest)
    .where(latest.c.what == What.HEARD, latest.c.detail == "")
    .order_by(latest.c.subject)
)
