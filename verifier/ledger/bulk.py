"""Many rows in one statement, past SQLAlchemy's compiler: for the path of signals alone.

Rows are tuples of what the driver takes, in the order of ``columns``. PostgreSQL is
given them a column at a time, SQLite some at a time: between two statements its driver
lets other threads run, and to wait for one's turn again after each row takes far longer
than the row.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from functools import cache
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.types import BigInteger, Boolean, Double, Integer, TypeDecorator

T = TypeVar("T")

Row = tuple[Any, ...]
Alike = tuple[tuple[str, str], ...]

SIZES = (128, 64, 32, 16, 8, 4, 2, 1)
"""Rows of one statement: few sizes, so that few statements have to be prepared."""


def insert_new(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Row],
    alike: Alike = (),
) -> int:
    """Insert the rows whose keys are all new, leave the others alone; how many were new.

    ``alike``: further columns, each with what it holds in every row, in SQL.
    """
    if connection.dialect.name == "postgresql":
        statement = _insert_unnested(table, columns, alike)
        return connection.exec_driver_sql(statement, _turned(rows)).rowcount
    return sum(
        connection.exec_driver_sql(
            _insert_values(table, columns, len(piece), alike), _flat(piece)
        ).rowcount
        for piece in _pieces(rows)
    )


def insert_new_returning(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Row],
    key: tuple[str, str],
    serial: str,
) -> Collection[Row] | None:
    """The same; the ``key`` of each row that was new, None where all were.

    ``serial`` is a column that grows with each row where there is one writer.
    """
    wanted = _names(key)
    if connection.dialect.name == "postgresql":
        statement = f"{_insert_unnested(table, columns)} RETURNING {wanted}"
        new = connection.exec_driver_sql(statement, _turned(rows))
        with closing(new):
            return None if new.rowcount == len(rows) else {tuple(row) for row in new}
    last = f"SELECT max({_quoted(serial)}) FROM {table.name}"  # noqa: S608 - names of ours
    before = connection.exec_driver_sql(last).scalar() or 0
    if insert_new(connection, table, columns, rows) == len(rows):
        return None
    since = f"SELECT {wanted} FROM {table.name} WHERE {_quoted(serial)} > ?"  # noqa: S608 - names of ours
    return {tuple(row) for row in connection.exec_driver_sql(since, (before,))}


def add_up(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
) -> None:
    """Insert the rows; where a primary key is known, add the last of ``columns`` to what is there.

    Rows come in the order of their keys, or two writers may block each other.
    """
    *_, last = columns
    _upsert(connection, table, columns, rows, f"{last} = {table.name}.{last} + excluded.{last}")


def raise_to(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
) -> None:
    """The same, but what is there is raised to what is greater."""
    *_, last = columns
    greater = f"{last} = excluded.{last} WHERE {table.name}.{last} < excluded.{last}"
    _upsert(connection, table, columns, rows, greater)


def replace_all(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
) -> None:
    """The same, but what is there is replaced."""
    *_, last = columns
    _upsert(connection, table, columns, rows, f"{last} = excluded.{last}")


def read_locked(
    connection: Connection, table: Table, columns: tuple[str, ...], keys: Collection[str]
) -> Iterator[Row]:
    """The rows with those ``keys``, of the first of ``columns``, locked in the order of them."""
    wanted = sorted(keys)
    if connection.dialect.name == "postgresql":
        statement = _read_unnested(table, columns)
        yield from connection.exec_driver_sql(statement, (wanted,))
        return
    for piece in _pieces(wanted):
        statement = _read_values(table, columns, len(piece))
        yield from connection.exec_driver_sql(statement, tuple(piece))


def update_changed(
    connection: Connection,
    table: Table,
    columns: tuple[str, ...],
    changes: Iterable[tuple[Row, Row]],
) -> None:
    """Write what is different in rows, each as it was and as it is now.

    The first of ``columns`` is the key. What did not change is not named in a statement:
    a file would write each index anew that has such a column.
    """
    alike: dict[tuple[int, ...], list[Row]] = defaultdict(list)
    for was, became in changes:
        places = tuple(
            place for place, (old, new) in enumerate(zip(was, became, strict=True)) if old != new
        )
        if places:
            alike[places].append((became[0], *(became[place] for place in places)))
    for places, rows in alike.items():
        names = (columns[0], *(columns[place] for place in places))
        update_all(connection, table, names, rows)


def update_all(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
) -> None:
    """Set the ``columns`` after the first to what ``rows`` say, where the first is the key."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_update_unnested(table, columns), _turned(rows))
        return
    for piece in _pieces(rows):
        statement = _update_values(table, columns, len(piece))
        connection.exec_driver_sql(statement, _flat(piece))


def update_unchanged(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
) -> int:
    """The same, where the second, a number, still is what a row says; how many were.

    It is one more from then on.
    """
    if connection.dialect.name == "postgresql":
        statement = _update_unnested(table, columns, counts=True)
        return connection.exec_driver_sql(statement, _turned(rows)).rowcount
    return sum(
        connection.exec_driver_sql(
            _update_values(table, columns, len(piece), counts=True), _flat(piece)
        ).rowcount
        for piece in _pieces(rows)
    )


def _upsert(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row], sets: str
) -> None:
    if connection.dialect.name == "postgresql":
        statement = _upsert_unnested(table, columns, sets)
        connection.exec_driver_sql(statement, _turned(rows))
        return
    for piece in _pieces(rows):
        statement = _upsert_values(table, columns, len(piece), sets)
        connection.exec_driver_sql(statement, _flat(piece))


def _pieces(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    begin = 0
    for size in SIZES:
        while len(rows) - begin >= size:
            yield rows[begin : begin + size]
            begin += size


def _turned(rows: Sequence[Row]) -> tuple[list[Any], ...]:
    return tuple(map(list, zip(*rows, strict=True)))


def _flat(rows: Sequence[Row]) -> Row:
    return tuple(chain.from_iterable(rows))


@cache
def _insert_unnested(table: Table, columns: tuple[str, ...], alike: Alike = ()) -> str:
    names = (*columns, *(name for name, _ in alike))
    return f"{_insert(table, names)} {_all_of(table, columns, alike)} ON CONFLICT DO NOTHING"


@cache
def _insert_values(table: Table, columns: tuple[str, ...], count: int, alike: Alike = ()) -> str:
    names = (*columns, *(name for name, _ in alike))
    return f"{_insert(table, names)} {_values(columns, count, alike)} ON CONFLICT DO NOTHING"


@cache
def _upsert_unnested(table: Table, columns: tuple[str, ...], sets: str) -> str:
    return f"{_insert(table, columns)} {_all_of(table, columns)} {_on_conflict(table)} {sets}"


@cache
def _upsert_values(table: Table, columns: tuple[str, ...], count: int, sets: str) -> str:
    return f"{_insert(table, columns)} {_values(columns, count)} {_on_conflict(table)} {sets}"


def _insert(table: Table, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table.name} ({_names(columns)})"


def _on_conflict(table: Table) -> str:
    key = _names([column.name for column in table.primary_key])
    return f"ON CONFLICT ({key}) DO UPDATE SET"


def _all_of(table: Table, columns: Sequence[str], alike: Alike = ()) -> str:
    wanted = ", ".join(("*", *(value for _, value in alike)))
    return f"SELECT {wanted} FROM {_unnested(table, columns)}"  # noqa: S608 - names of ours


@cache
def _read_unnested(table: Table, columns: tuple[str, ...]) -> str:
    key = _quoted(columns[0])
    among = f"{key} = ANY(%b::text[])"
    return f"SELECT {_names(columns)} FROM {table.name} WHERE {among} ORDER BY {key} FOR UPDATE"  # noqa: S608 - names of ours


@cache
def _read_values(table: Table, columns: tuple[str, ...], count: int) -> str:
    among = f"{_quoted(columns[0])} IN ({', '.join('?' for _ in range(count))})"
    return f"SELECT {_names(columns)} FROM {table.name} WHERE {among}"  # noqa: S608 - names of ours


@cache
def _update_unnested(table: Table, columns: tuple[str, ...], *, counts: bool = False) -> str:
    told = f"{_unnested(table, columns)} AS told ({_names(columns)})"
    return _update(table, columns, told, [_quoted(name) for name in columns], counts)


@cache
def _update_values(
    table: Table, columns: tuple[str, ...], count: int, *, counts: bool = False
) -> str:
    told = f"({_values(columns, count)}) AS told"
    names = [f"column{place}" for place, _ in enumerate(columns, 1)]
    return _update(table, columns, told, names, counts)


def _update(
    table: Table, columns: tuple[str, ...], told: str, names: Sequence[str], counts: bool
) -> str:
    """``names`` are those of the ``columns`` in ``told``."""
    (key, told_key), *others = zip(map(_quoted, columns), names, strict=True)
    where = f"{table.name}.{key} = told.{told_key}"
    if counts:
        (number, told_number), *others = others
        where += f" AND {table.name}.{number} = told.{told_number}"
        others.append((number, f"{told_number} + 1"))
    sets = ", ".join(f"{name} = told.{value}" for name, value in others)
    return f"UPDATE {table.name} SET {sets} FROM {told} WHERE {where}"  # noqa: S608 - names of ours


def _names(columns: Sequence[str]) -> str:
    return ", ".join(map(_quoted, columns))


def _quoted(name: str) -> str:
    return f'"{name}"'


def _values(columns: Sequence[str], count: int, alike: Alike = ()) -> str:
    row = f"({', '.join((*('?' for _ in columns), *(value for _, value in alike)))})"
    return f"VALUES {', '.join(row for _ in range(count))}"


def _unnested(table: Table, columns: Sequence[str]) -> str:
    arrays = ", ".join(f"%b::{_kind(table, name)}[]" for name in columns)
    return f"unnest({arrays})"


def _kind(table: Table, column: str) -> str:
    kind = table.c[column].type
    stored = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    names = ((BigInteger, "bigint"), (Boolean, "boolean"), (Double, "float8"), (Integer, "integer"))
    return next((name for known, name in names if isinstance(stored, known)), "text")
