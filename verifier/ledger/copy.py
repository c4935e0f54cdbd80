"""A ledger is copied into another database, whole and checked, or not at all."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import (
    Boolean,
    Connection,
    Select,
    Table,
    column,
    delete,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy import table as named

from verifier.ledger.bulk import Row, insert_new
from verifier.ledger.database import Database
from verifier.ledger.errors import LedgerError
from verifier.ledger.migrate import prepare
from verifier.ledger.schema import meta, metadata

AT_ONCE = 2_000
"""Rows that are in memory at once."""

Tell = Callable[[int, int], None]
"""Told how many rows of how many are copied."""


class Content(msgspec.Struct, frozen=True):
    """How many rows a table has, and a sum over what is in them, in whatever order."""

    rows: int = 0
    digest: int = 0

    def __add__(self, rows: Sequence[Row]) -> "Content":
        total = self.digest + sum(map(_digest, rows))
        return Content(self.rows + len(rows), total % 2**64)


def copy(
    source: Database, target: Database, now: datetime, tell: Tell = lambda _done, _total: None
) -> dict[str, int]:
    """Copy all that ``source`` holds, of one snapshot, into the empty ``target``.

    Returns the number of rows by table. What was written is read again and compared
    before it is kept; where anything differs, or fails, nothing is. Raises
    ``LedgerError`` where ``target`` holds anything.
    """
    with source.read(long=True) as reading:
        _refuse_full(target)
        prepare(target, now)
        with target.write() as writing:
            _refuse_filled(writing, target.name)
            writing.execute(delete(meta))
            copied = _copy_tables(reading, writing, tell)
            for table in metadata.sorted_tables:
                if _read(writing, table) != copied[table.name]:
                    raise LedgerError(
                        f"expected {table.name} in {target.name} as it is in {source.name}, found "
                        "it changed by the way; nothing was kept, so try again"
                    )
            _go_on_counting(writing)
    return {name: content.rows for name, content in copied.items()}


def _copy_tables(reading: Connection, writing: Connection, tell: Tell) -> dict[str, Content]:
    tables = metadata.sorted_tables
    total = sum(reading.scalar(select(func.count()).select_from(each)) or 0 for each in tables)
    copied, done = {}, 0
    for table in tables:
        content = Content()
        columns = tuple(each.name for each in table.c)
        with closing(_rows(reading, table)) as pieces:
            for rows in pieces:
                insert_new(writing, table, columns, rows)
                content += rows
                done += len(rows)
                tell(done, total)
        copied[table.name] = content
    return copied


def _read(connection: Connection, table: Table) -> Content:
    content = Content()
    for rows in _rows(connection, table):
        content += rows
    return content


def _rows(connection: Connection, table: Table) -> Generator[Sequence[Row]]:
    """What is in a table as the drivers give it, but for flags, which are bool everywhere."""
    flags = [place for place, each in enumerate(table.c) if isinstance(each.type, Boolean)]
    streaming = {"stream_results": True, "max_row_buffer": AT_ONCE}
    with connection.execute(_plain(table), execution_options=streaming) as streamed:
        for part in streamed.partitions(AT_ONCE):
            yield [_flagged(row, flags) for row in part]


def _plain(table: Table) -> Select[Any]:
    """All rows in the order of their keys; columns without types are not converted."""
    plain = named(table.name, *(column(each.name) for each in table.c))
    return select(plain).order_by(*(plain.c[each.name] for each in table.primary_key))


def _flagged(row: Sequence[Any], flags: Sequence[int]) -> Row:
    if not flags:
        return tuple(row)
    values = list(row)
    for place in flags:
        values[place] = None if values[place] is None else bool(values[place])
    return tuple(values)


def _digest(row: Row) -> int:
    return int.from_bytes(blake2b(repr(row).encode(), digest_size=8).digest())


def _refuse_full(target: Database) -> None:
    """Raise ``LedgerError`` where there is anything, before any of it is migrated."""
    if not target.exists():
        return
    with target.read() as connection:
        if set(inspect(connection).get_table_names()) & metadata.tables.keys():
            _refuse_filled(connection, target.name)


def _refuse_filled(connection: Connection, name: str) -> None:
    found = inspect(connection).get_table_names()
    for table in metadata.sorted_tables:
        if table is meta or table.name not in found:
            continue
        if connection.execute(_plain(table).limit(1)).first() is not None:
            raise LedgerError(
                f"expected an empty ledger at {name}, or none, found {table.name} in it; "
                "name another database"
            )


def _go_on_counting(connection: Connection) -> None:
    """Have the next row numbered after the last one; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        serial = table.autoincrement_column
        if serial is not None:
            numbers = text(
                "SELECT setval(pg_get_serial_sequence(:table, :column), "  # noqa: S608 - names of ours
                f"(SELECT coalesce(max({serial.name}), 0) + 1 FROM {table.name}), false)"
            )
            connection.execute(numbers, {"table": table.name, "column": serial.name})
