"""Many rows in one statement, past SQLAlchemy's compiler: for the path of signals alone.

Rows are tuples of what the driver takes, in the order of ``columns``. SQLite is given
them one by one, PostgreSQL a column at a time.
"""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.types import BigInteger, Boolean, Double, Integer, TypeDecorator

Row = tuple[Any, ...]


def insert_new(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
) -> int:
    """Insert the rows whose keys are all new, leave the others alone; how many were new."""
    statement = _insert(connection.dialect.name, table, columns)
    return _run(connection, statement, rows)


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
    statement = _insert(connection.dialect.name, table, columns)
    wanted = ", ".join(map(_quoted, key))
    if connection.dialect.name == "postgresql":
        arguments = tuple(map(list, zip(*rows, strict=True)))
        found = connection.exec_driver_sql(f"{statement} RETURNING {wanted}", arguments)
        new = found.fetchall()
        return None if len(new) == len(rows) else {tuple(row) for row in new}
    name, last = table.name, _quoted(serial)
    before = connection.exec_driver_sql(f"SELECT max({last}) FROM {name}").scalar() or 0  # noqa: S608 - names of ours
    if _run(connection, statement, rows) == len(rows):
        return None
    since = f"SELECT {wanted} FROM {name} WHERE {last} > ?"  # noqa: S608 - names of ours
    return {tuple(row) for row in connection.exec_driver_sql(since, (before,))}


def update_all(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
) -> None:
    """Set the ``columns`` after the first to what ``rows`` say, where the first is the key."""
    _run(connection, _update(connection.dialect.name, table, columns), rows)


def _run(connection: Connection, statement: str, rows: Sequence[Row]) -> int:
    if connection.dialect.name == "postgresql":
        arguments = tuple(map(list, zip(*rows, strict=True)))
        return connection.exec_driver_sql(statement, arguments).rowcount
    return connection.exec_driver_sql(statement, list(rows)).rowcount


@cache
def _insert(dialect: str, table: Table, columns: tuple[str, ...]) -> str:
    names = ", ".join(map(_quoted, columns))
    if dialect == "postgresql":
        values = f"SELECT * FROM {_unnested(table, columns)}"  # noqa: S608 - names of ours
    else:
        values = f"VALUES ({', '.join('?' for _ in columns)})"
    return f"INSERT INTO {table.name} ({names}) {values} ON CONFLICT DO NOTHING"


@cache
def _update(dialect: str, table: Table, columns: tuple[str, ...]) -> str:
    key, *others = map(_quoted, columns)
    if dialect == "postgresql":
        sets = ", ".join(f"{name} = told.{name}" for name in others)
        names = ", ".join((key, *others))
        source = f"{_unnested(table, columns)} AS told ({names})"
        return f"UPDATE {table.name} SET {sets} FROM {source} WHERE {table.name}.{key} = told.{key}"  # noqa: S608 - names of ours
    sets = ", ".join(f"{name} = ?{place}" for place, name in enumerate(others, 2))
    return f"UPDATE {table.name} SET {sets} WHERE {key} = ?1"  # noqa: S608 - names of ours


def _unnested(table: Table, columns: tuple[str, ...]) -> str:
    arrays = ", ".join(f"%b::{_array(table, name)}" for name in columns)
    return f"unnest({arrays})"


def _array(table: Table, column: str) -> str:
    kind = table.c[column].type
    stored = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    names = ((BigInteger, "bigint"), (Boolean, "boolean"), (Double, "float8"), (Integer, "integer"))
    name = next((name for type_, name in names if isinstance(stored, type_)), "text")
    return f"{name}[]"


def _quoted(name: str) -> str:
    return f'"{name}"'
