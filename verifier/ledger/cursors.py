"""Cursors: how far something was read, swept or listened to, by name."""

from sqlalchemy import Connection, select

from verifier.ledger.schema import cursors
from verifier.ledger.statements import replace


def read(connection: Connection, name: str) -> str | None:
    """The position; None where none was ever kept."""
    position: str | None = connection.scalar(
        select(cursors.c.position).where(cursors.c.name == name)
    )
    return position


def write(connection: Connection, name: str, position: str) -> None:
    """Keep a position, in place of the one before."""
    connection.execute(replace(connection, cursors), {"name": name, "position": position})
