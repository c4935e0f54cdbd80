"""One check's way to the stores: it binds, asks, and keeps what was asked as evidence."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from verifier.checks.number import to_number
from verifier.checks.question import Question, Value
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.sqltext import parameters_in
from verifier.checks.store import Rows, Session

NOTHING = object()
"""No row at all, where NULL would be a value."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A statement with its bound values, ready to run on a store."""

    store: str
    sql: str
    parameters: Mapping[str, object]

    def evidence(self) -> dict[str, Any]:
        """The statement for people and JSON, so that a person can run it again."""
        return {
            "store": self.store,
            "statement": self.sql,
            "parameters": {name: _json_ready(value) for name, value in self.parameters.items()},
        }


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """What one check may use to answer one question.

    ``sessions`` holds a snapshot for each store, or why there is none. ``history``
    are the expected counts of this check in earlier verified runs, oldest first.
    ``evidence`` is filled while the check works, so that an unknown answer shows
    how far it came. ``max_keys`` bounds how many keys are held in memory.
    """

    question: Question
    sessions: Mapping[str, Session | CannotTell]
    history: Sequence[int] = ()
    max_keys: int
    evidence: dict[str, Any] = field(default_factory=dict)

    def session(self, store: str) -> Session:
        """The snapshot of ``store``; raises ``CannotTell`` where there is none."""
        session = self.sessions[store]
        if isinstance(session, CannotTell):
            raise CannotTell(session.reason, session.detail)
        return session

    def statement(self, store: str, sql: str, **own: Value) -> Statement:
        """``sql`` with the values that it binds: those of the question, and ``own``."""
        session = self.session(store)
        parameters = {
            name: session.bind(own[name] if name in own else self.question.value(name))
            for name in sorted(parameters_in(sql))
        }
        return Statement(store=store, sql=sql, parameters=parameters)

    def rows(self, statement: Statement) -> AbstractContextManager[Rows]:
        """Runs ``statement``."""
        return self.session(statement.store).select(statement.sql, statement.parameters)

    def number(self, statement: Statement) -> Decimal:
        """The one number that ``statement`` gives; raises ``CannotTell`` for all else."""
        value = self.value(statement)
        if value is NOTHING:
            raise CannotTell(UnknownReason.WRONG_SHAPE, "expected one row, found none")
        return to_number(value)

    def value(self, statement: Statement) -> object:
        """The one value that ``statement`` gives, ``NOTHING`` where it gives no row."""
        with self.rows(statement) as rows:
            found = [row for row, _ in zip(rows, range(2), strict=False)]
        if not found:
            return NOTHING
        if len(found[0]) != 1:
            raise CannotTell(
                UnknownReason.WRONG_SHAPE, f"expected one column, found {len(found[0])}"
            )
        if len(found) > 1:
            raise CannotTell(UnknownReason.WRONG_SHAPE, "expected one row, found more")
        return found[0][0]


def _json_ready(value: object) -> object:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
