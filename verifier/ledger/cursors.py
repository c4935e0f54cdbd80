"""Cursors: how far something was read, swept or listened to, by name."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from verifier.ledger.bulk import replace_all
from verifier.ledger.schema import cursors
from verifier.ledger.statements import Among, chunks, replace
from verifier.runs.instant import format_instant, parse_instant

_LISTENING = "listening/"


def read(connection: Connection, name: str) -> str | None:
    """The position; None where none was ever kept."""
    position: str | None = connection.scalar(_OF_NAME, {"of": name})
    return position


_OF_NAME = select(cursors.c.position).where(cursors.c.name == bindparam("of"))


def read_all(connection: Connection, prefix: str) -> dict[str, str]:
    """Every position whose name begins with ``prefix``, which ends with a slash."""
    after = prefix.removesuffix("/") + "0"  # the character after the slash: found by the index
    found = connection.execute(_BETWEEN, {"first": prefix, "after": after})
    return {row.name: row.position for row in found}


_BETWEEN = select(cursors).where(
    cursors.c.name >= bindparam("first"), cursors.c.name < bindparam("after")
)


def read_some(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    """The positions of those names that have one."""
    found = {}
    for piece in chunks(names):
        for row in connection.execute(_OF_NAMES, {"names": piece}):
            found[row.name] = row.position
    return found


_OF_NAMES = select(cursors).where(Among(cursors.c.name, "names"))


def write_all(connection: Connection, positions: Mapping[str, str]) -> None:
    """Keep positions by name, in the order given, in place of those before."""
    replace_all(connection, cursors, ("name", "position"), list(positions.items()))


def write(connection: Connection, name: str, position: str) -> None:
    """Keep a position, in place of the one before."""
    connection.execute(replace(connection, cursors), {"name": name, "position": position})


def listen(connection: Connection, source: str, now: datetime) -> None:
    """Remember that ``source`` is heard at ``now``; nothing where it was heard later.

    The clocks of those who hear it differ, so one may tell less than was told.
    """
    position = read(connection, _LISTENING + source)
    if position is None or parse_instant(position) < now:
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
