"""Rows by business key: the ground that ``scope`` and ``exactly_once`` share."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from verifier.checks.inquiry import Inquiry, Statement
from verifier.checks.keys import Key, key_of
from verifier.checks.model import (
    DURATION_PATTERN,
    Identifier,
    Name,
    Named,
    Query,
    Sql,
    positive_duration,
)
from verifier.checks.part import Part
from verifier.checks.question import Value
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.split import PartitionedCheck
from verifier.checks.store import Session
from verifier.runs.duration import format_duration


def _reach(value: object) -> object:
    if value in ("interval", "lifetime"):
        return value
    try:
        return positive_duration(value)
    except ValueError as error:
        raise ValueError(f"expected interval, lifetime or a look-back: {error}") from None


Within = Annotated[
    Literal["interval", "lifetime"] | timedelta,
    BeforeValidator(_reach),
    PlainSerializer(
        lambda reach: reach if isinstance(reach, str) else format_duration(reach), return_type=str
    ),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["interval", "lifetime"]},
                {"type": "string", "pattern": DURATION_PATTERN, "examples": ["90d"]},
            ]
        }
    ),
    Field(
        description="How far to look for further copies of the run's keys: only where `where` "
        "looks (interval), in the whole table (lifetime), or back from the start of the "
        "interval by a duration and on to the newest row."
    ),
]


class KeyedRows(Part):
    """Rows of a table by business key.

    ``where`` picks the keys that belong to the run; ``within`` says how far to look
    for further copies of just those keys. In the statements made here names are
    quoted and values bound; the condition is the user's own SQL.
    """

    store: Annotated[Name, Field(description="The store that holds the table.")]
    table: Annotated[Identifier, Field(description="The table or view that the run fills.")]
    key: Annotated[
        tuple[Identifier, ...],
        Field(min_length=1, max_length=16, description="The columns of the business key."),
    ]
    where: Annotated[
        Sql, Field(description="The condition that picks the run's rows, in the store's SQL.")
    ]
    within: Within = "interval"
    column: Annotated[
        Identifier | None,
        Field(description="The column with each row's instant (UTC); needed by a look-back."),
    ] = None

    @model_validator(mode="after")
    def _column_for_a_look_back(self) -> Self:
        if isinstance(self.within, timedelta) and self.column is None:
            raise ValueError(
                "expected 'column', the instant of each row, since 'within' is a look-back"
            )
        if not isinstance(self.within, timedelta) and self.column is not None:
            raise ValueError(f"expected no 'column', since 'within' is {self.within}")
        return self

    @model_validator(mode="after")
    def _key_columns_once(self) -> Self:
        if len(set(self.key)) < len(self.key):
            raise ValueError("expected each column of 'key' once")
        return self

    def conditions(self, *path: str) -> Iterator[Query]:
        """The condition, seen from the check that holds these rows at ``path``."""
        yield Query(
            path=(*path, "where"),
            sql=self.where,
            store=self.store,
            store_path=(*path, "store"),
            table=self.table,
        )

    def named(self, *path: str) -> Named:
        """The table with its columns, seen as ``conditions`` are."""
        columns: list[tuple[str, tuple[str | int, ...]]] = [
            (name, (*path, "key", index)) for index, name in enumerate(self.key)
        ]
        if self.column is not None:
            columns.append((self.column, (*path, "column")))
        at = (*path, "table")
        return Named(store=self.store, table=self.table, path=at, columns=tuple(columns))

    def ask(self, inquiry: Inquiry, select: str, rest: str, **values: Value) -> Statement:
        """A statement over the rows of the run's keys, as far as ``within`` reaches.

        ``rest`` may begin with ``AND`` and a further condition.
        """
        session = inquiry.session(self.store)
        sql = f"SELECT {select}\n{self._rows(session)}\n{rest}"
        return inquiry.statement(self.store, sql, **self._own_values(inquiry), **values)

    def columns(self, session: Session) -> list[str]:
        """The key's columns as they are compared: quoted, each with its table.

        Without the table, SQLite takes a quoted name that no column has for a text.
        """
        table = session.quote(self.table)
        return [f"{table}.{session.quote(column)}" for column in self.key]

    def require_reach(self, inquiry: Inquiry) -> None:
        """Raises ``CannotTell`` where the run's own rows lie outside the look-back.

        ``column`` then does not hold what it is declared to hold (another unit, NULL,
        another zone), so that further copies would be missed the same way.
        """
        if not isinstance(self.within, timedelta):
            return
        session = inquiry.session(self.store)
        instant = self._instant(session)
        sql = (
            f"SELECT count(*)\nFROM {session.quote(self.table)}\n{self._where()}\n"
            f"AND ({instant} IS NULL OR {instant} < :look_back_start)"
        )
        statement = inquiry.statement(self.store, sql, **self._own_values(inquiry))
        outside = inquiry.number(statement)
        if outside:
            inquiry.evidence["reach"] = {**statement.evidence(), "outside": int(outside)}
            raise CannotTell(
                UnknownReason.OUT_OF_REACH,
                f"{outside} of the run's rows lie outside the look-back by {self.column}",
            )

    def _where(self) -> str:
        # The line break keeps a comment at the end of the condition from hiding the parenthesis.
        return f"WHERE ({self.where}\n)"

    def _rows(self, session: Session) -> str:
        table = session.quote(self.table)
        if self.within == "interval":
            return f"FROM {table}\n{self._where()}"
        columns = self.columns(session)
        listed = ", ".join(columns)
        key = f"({listed})" if len(columns) > 1 else listed
        picked = f"SELECT {listed} FROM {table} {self._where()}"  # noqa: S608 - see the class
        copies = f"{key} IN ({picked})"
        if isinstance(self.within, timedelta):
            copies = f"({copies} AND {self._instant(session)} >= :look_back_start)"
        return f"FROM {table}\nWHERE (({self.where}\n)\nOR {copies})"

    def _instant(self, session: Session) -> str:
        return f"{session.quote(self.table)}.{session.quote(self.column or '')}"

    def _own_values(self, inquiry: Inquiry) -> dict[str, Value]:
        if not isinstance(self.within, timedelta):
            return {}
        start = inquiry.question.covered().start
        room = start - datetime.min.replace(tzinfo=UTC)
        return {"look_back_start": start - min(self.within, room)}


class KeyedCheck(KeyedRows, PartitionedCheck):
    """A check that counts the rows of each business key."""

    @model_validator(mode="after")
    def _partition_in_the_key(self) -> Self:
        if self.partition is not None and self.partition not in self.key:
            raise ValueError("expected 'partition' to be one of the columns of 'key'")
        return self

    def partition_of(self, key: Key) -> str:
        """The partition that a key without a NULL belongs to."""
        return key[self.key.index(self.partition or "")] or ""

    def queries(self) -> Iterator[Query]:
        """The condition."""
        yield from self.conditions()

    def names(self) -> Iterator[Named]:
        """The table that the run fills."""
        yield self.named()


def count_by_key(inquiry: Inquiry, statement: Statement) -> tuple[dict[Key, int], dict[Key, int]]:
    """The rows of each key, and those of each key with a NULL in it.

    The statement gives the columns of a key, and how many rows have it.
    """
    found: dict[Key, int] = {}
    nameless: dict[Key, int] = {}
    with inquiry.rows(statement) as rows:
        for row in rows:
            key, count = key_of(row[:-1]), row[-1]
            counts = nameless if None in key else found
            counts[key] = counts.get(key, 0) + count
            if len(found) + len(nameless) > inquiry.max_keys:
                raise CannotTell(
                    UnknownReason.TOO_MANY_KEYS, f"more than {inquiry.max_keys} keys are there"
                )
    return found, nameless
