"""Whether what a check names is there, told before any run is asked about.

Each statement is compiled and not run where the store can do so, as SQLite can; elsewhere
it is asked for none of its rows, and what of it is computed all the same has a short time.
"""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import msgspec

from verifier.checks.inquiry import Inquiry
from verifier.checks.model import CheckModel, Named, Query
from verifier.checks.partitions import Partitions
from verifier.checks.reason import HOPELESS, CannotTell, Fault, UnknownReason, told

ABSENT = frozenset({UnknownReason.NO_SUCH_TABLE, UnknownReason.NO_SUCH_COLUMN})

LONGEST = timedelta(seconds=2)
"""How long one trial may take; nothing is told that would be worth a store's longer work."""

_LAST = HOPELESS | {UnknownReason.TIMED_OUT}
"""A connection does not always outlive what was ended on it."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a check asks of its store, and why it cannot be had, or None.

    ``path`` leads from the check to where it is written, ``expected`` says what it is.
    Without ``tried`` it could not be tried, which says nothing against it.
    """

    path: tuple[str | int, ...]
    expected: str
    problem: CannotTell | None = None
    tried: bool = True

    @property
    def late(self) -> bool:
        """Whether it took too long; what else the check asks was not tried then."""
        return self.problem is not None and self.problem.reason is UnknownReason.TIMED_OUT

    @property
    def found(self) -> str:
        """What the store said, on one line."""
        return " ".join(self.problem.detail.split()) if self.problem else ""


def try_names(asker: CheckModel | Partitions, store: str, inquiry: Inquiry) -> Iterator[Trial]:
    """Each thing that ``asker`` asks of ``store``, tried; ends where nothing more is answered."""
    gone: set[str] = set()
    for trial in _trials(asker, store, inquiry, gone):
        yield trial
        if trial.problem is not None and trial.problem.reason in _LAST:
            return


def _trials(
    asker: CheckModel | Partitions, store: str, inquiry: Inquiry, gone: set[str]
) -> Iterator[Trial]:
    for named in asker.names():
        if named.store == store:
            trials = list(_of_table(named, inquiry))
            yield from trials
            if any(each.problem for each in trials):
                gone.add(named.table)
    for query in asker.queries():
        # What is wrong with its table was told.
        if query.store == store and query.table not in gone:
            expected = "tables and columns that are there"
            yield _judged(query.path, expected, told(partial(_query, query, inquiry)))


def _judged(path: tuple[str | int, ...], expected: str, problem: CannotTell | None) -> Trial:
    """What the outcome says of the check, whose values are none of a real run."""
    fault = problem.fault if problem else None
    if fault in (Fault.VALUE, Fault.TRIAL):
        return Trial(path=path, expected=expected, tried=fault is Fault.VALUE)
    return Trial(path=path, expected=expected, problem=problem)


def _of_table(named: Named, inquiry: Inquiry) -> Iterator[Trial]:
    """The table with its columns at once; one by one only where that fails."""
    ask = partial(_columns, named, inquiry)
    whole = told(partial(ask, [name for name, _ in named.columns]))
    if whole is None or not named.columns or whole.reason is not UnknownReason.NO_SUCH_COLUMN:
        yield _judged(named.path, f"the table {named.table}", whole)
        return
    for name, path in named.columns:
        yield _judged(path, f"the column {name} in {named.table}", told(partial(ask, [name])))


def _columns(named: Named, inquiry: Inquiry, names: list[str]) -> None:
    session = inquiry.session(named.store)
    table = session.quote(named.table)
    # Without its table, SQLite takes a quoted name that no column has for a text.
    columns = ", ".join(f"{table}.{session.quote(name)}" for name in dict.fromkeys(names)) or "1"
    _try(inquiry, named.store, f"SELECT {columns}\nFROM {table}")


def _query(query: Query, inquiry: Inquiry) -> None:
    if query.table is None:
        _try(inquiry, query.store, query.sql)
        return
    table = inquiry.session(query.store).quote(query.table)
    # The line break keeps a comment at the end of the condition from hiding what follows.
    _try(inquiry, query.store, f"SELECT 1\nFROM {table}\nWHERE ({query.sql}\n)")


def _try(inquiry: Inquiry, store: str, sql: str) -> None:
    statement = inquiry.statement(store, sql)
    inquiry.session(store).tries(statement.sql, statement.parameters, LONGEST)
