"""Cursors: how far something was read, swept or listened to, by name."""

from datetime import datetime

from sqlalchemy import Connection, select

from verifier.ledger.schema import cursors
from verifier.ledger.statements import replace
from verifier.runs.instant import format_instant, parse_instant

_LISTENING = "listening/"


def read(connection: Connection, name: str) -> str | None:
    """The position; None where none was ever kept."""
    position: str | None = connection.scalar(
        select(cursors.c.position).where(cursors.c.name == name)
    )
    return position


def write(connection: Connection, name: str, position: str) -> None:
    """Keep a position, in place of the one before."""
    connection.execute(replace(connection, cursors), {"name": name, "position": position})


def listen(connection: Connection, source: str, now: datetime) -> None:
    """Remember that ``source`` is heard at ``now``."""
    write(connection, _LISTENING + source, format_instant(now))


def listened(connection: Connection) -> dict[str, datetime]:
    """When each source was last said to be heard, by its name."""
    found = (
        select(cursors)
        .where(cursors.c.name >= _LISTENING, cursors.c.name < "listening0")
        .order_by(cursors.c.name)
    )
    return {
        row.name.removeprefix(_LISTENING): parse_instant(row.position)
        for row in connection.execute(found)
    }
