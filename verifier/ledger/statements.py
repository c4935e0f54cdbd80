"""Statements that every query module needs: writing what may be there already."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert  # noqa: F401

T = TypeVar("T")

CHUNK = 500
"""How many keys one statement may ask for."""

Insert = sqlite.Insert | postgresql.Insert


def insert_missing(connection: Connection, table: Table) -> Insert:
    """Inserts the rows whose key is new and leaves the others alone."""
    return _insert(connection, table).on_conflict_do_nothing()


def upsert(
    connection: Connection, table: Table, change: Callable[[Any], Mapping[str, Any]]
) -> Insert:
    """Inserts rows; where the primary key is known, makes the ``change`` instead.

    ``change`` is given the columns of the row that was to be inserted.
    """
    insert = _insert(connection, table)
    return insert.on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_=dict(change(insert.excluded))
    )


def replace(connection: Connection, table: Table) -> Insert:
    """Inserts rows; where the primary key is known, sets all other columns."""
    others = [column.name for column in table.columns if not column.primary_key]
    return upsert(connection, table, lambda new: {name: new[name] for name in others})


def _insert(connection: Connection, table: Table) -> Insert:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(table)


def chunks(items: Iterable[T]) -> Iterator[Sequence[T]]:
    """``items`` in pieces that one statement can take."""
    left = iter(items)
    while piece := list(islice(left, CHUNK)):
        yield piece
