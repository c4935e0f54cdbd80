"""Statements that every query module needs: writing what may be there already."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Connection,
    Insert,
    Table,
    Text,
    any_,
    bindparam,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

T = TypeVar("T")

CHUNK = 500
"""How many keys one statement may ask for."""


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


def _insert(dialect: str, table: Table) -> "sqlite.Insert | postgresql.Insert":
    if dialect != "postgresql":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # it takes long, and on SQLite nobody needs it

    return postgresql.insert(table)


class Among(ColumnElement[bool]):
    """Whether a column of texts holds one of the keys that are ``given`` by that name."""

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 - as SQLAlchemy has it
        ("column", InternalTraversal.dp_clauseelement),
        ("given", InternalTraversal.dp_string),
    ]

    def __init__(self, column: ColumnElement[Any], given: str) -> None:
        self.column = column
        self.given = given


@compiles(Among)
def _among_values(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    keys: BindParameter[Any] = bindparam(element.given, expanding=True)
    return compiler.process(element.column.in_(keys), **options)


@compiles(Among, "postgresql")
def _among_array(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    # One text for any number of keys, so that it is read, planned and prepared once.
    keys: BindParameter[Any] = bindparam(element.given, type_=ARRAY(Text))
    return compiler.process(element.column == any_(keys), **options)


def chunks(items: Iterable[T]) -> Iterator[Sequence[T]]:
    """``items`` in pieces that one statement can take."""
    left = iter(items)
    while piece := list(islice(left, CHUNK)):
        yield piece
