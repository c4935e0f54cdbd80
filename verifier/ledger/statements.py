"""Statements that every query module needs: writing what may be there already."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import TypeVar

from sqlalchemy import BindParameter, Connection, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

CHUNK = 500
"""How many keys one statement may ask for."""

Insert = sqlite.Insert | postgresql.Insert


def insert_missing(connection: Connection, table: Table) -> Insert:
    """Inserts the rows whose keys are all new, and leaves the others alone."""
    return _insert_missing(connection.dialect.name, table)


def replace(connection: Connection, table: Table) -> Insert:
    """Inserts rows; where the primary key is known, sets all other columns."""
    return _replace(connection.dialect.name, table)


# Building a statement costs more than running it, so each is built once.


@cache
def _insert_missing(dialect: str, table: Table) -> Insert:
    return _insert(dialect, table).on_conflict_do_nothing()


@cache
def _replace(dialect: str, table: Table) -> Insert:
    insert = _insert(dialect, table)
    new = {each.name: insert.excluded[each.name] for each in table.c if not each.primary_key}
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=new)


def _insert(dialect: str, table: Table) -> Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def each_of(name: str) -> BindParameter[object]:
    """A parameter that takes a chunk of keys, for ``in_``."""
    return bindparam(name, expanding=True)


def chunks(items: Iterable[T]) -> Iterator[Sequence[T]]:
    """``items`` in pieces that one statement can take."""
    left = iter(items)
    while piece := list(islice(left, CHUNK)):
        yield piece
