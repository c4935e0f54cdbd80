"""One check's way to the stores: it binds, asks, and keeps what was asked as evidence."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from time import perf_counter
from typing import Any, cast

from verifier.checks.number import to_number
from verifier.checks.question import Question, Value
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.sqltext import parameters_in
from verifier.checks.store import FilesSession, HttpSession, Opened, Rows, Session, StoreKind
from verifier.checks.stores.watch import Stop
from verifier.runs.evaluation import CheckResult

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
class Known:
    """The rows of a statement that need not be asked again.

    They follow from a statement that took ``seconds``, and answers for as many checks as
    ``together`` says.
    """

    rows: Sequence[tuple[Any, ...]]
    seconds: float
    together: int


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """What one check may use to answer one question.

    ``now`` is the UTC instant of asking. ``sessions`` holds a session for each store, or
    why there is none; ``stop`` is set when nothing may be asked any more. ``history``
    are this check's answers in earlier verified runs, newest first. ``evidence`` is
    filled while the check works, so that an unknown answer shows how far it came.
    ``max_keys`` bounds how many keys are held in memory. ``known``: what was asked for
    several checks at once, by store and by the statement of this one.
    """

    question: Question
    now: datetime
    sessions: Mapping[str, Opened | CannotTell]
    stop: Stop
    history: Sequence[CheckResult] = ()
    max_keys: int
    evidence: dict[str, Any] = field(default_factory=dict)
    known: dict[tuple[str, str], Known] = field(default_factory=dict)

    def session(self, store: str) -> Session:
        """The snapshot of a SQL store; raises ``CannotTell`` where there is none."""
        return cast(Session, self._opened(store, StoreKind.SQL))

    def folder(self, store: str) -> FilesSession:
        """A store of files; raises ``CannotTell`` where it cannot be asked."""
        return cast(FilesSession, self._opened(store, StoreKind.FILES))

    def service(self, store: str) -> HttpSession:
        """A store that answers by HTTP; raises ``CannotTell`` where it cannot be asked."""
        return cast(HttpSession, self._opened(store, StoreKind.HTTP))

    def _opened(self, store: str, kind: StoreKind) -> Opened:
        session = self.sessions[store]
        if isinstance(session, CannotTell):
            raise CannotTell(session.reason, session.detail)
        if session.kind is not kind:
            # An older declaration of the job, from when the store was another one.
            raise CannotTell(
                UnknownReason.UNREACHABLE, f"{store} is of type {session.kind}, not {kind}"
            )
        return session

    def statement(self, store: str, sql: str, **own: Value) -> Statement:
        """``sql`` with the values that it binds: those of the question, and ``own``."""
        session = self.session(store)
        parameters = {
            name: session.bind(own[name] if name in own else self.question.value(name))
            for name in sorted(parameters_in(sql))
        }
        return Statement(store=store, sql=sql, parameters=parameters)

    @contextmanager
    def rows(self, statement: Statement) -> Iterator[Rows]:
        """Runs ``statement``, and notes when and how long in the evidence."""
        session = self.session(statement.store)
        known = self.known.get((statement.store, statement.sql))
        if known is not None:
            asked = self._asked(statement.store, session.snapshot)
            asked["seconds"] = round(asked["seconds"] + known.seconds, 6)
            if known.together > 1:
                asked["together"] = known.together
            yield iter(known.rows)
            return
        with (
            self.timed(statement.store, session.snapshot),
            session.select(statement.sql, statement.parameters) as rows,
        ):
            yield rows

    @contextmanager
    def timed(self, store: str, snapshot: datetime | None = None) -> Iterator[None]:
        """Notes the instant at which ``store`` is asked, and how long that takes."""
        asked = self._asked(store, snapshot)
        began = perf_counter()
        try:
            yield
        finally:
            asked["seconds"] = round(asked["seconds"] + perf_counter() - began, 6)

    def _asked(self, store: str, snapshot: datetime | None) -> dict[str, Any]:
        noted: dict[str, Any] = self.evidence.setdefault("asked", {}).setdefault(
            store, {"snapshot": _json_ready(snapshot or self.now), "seconds": 0.0}
        )
        return noted

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
