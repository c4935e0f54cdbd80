"""Whether what a check names is there, told before any run is asked about.

Nothing is computed: each statement is asked for none of its rows.
"""

from collections.abc import Iterator
from functools import partial

import msgspec

from verifier.checks.inquiry import Inquiry
from verifier.checks.model import CheckModel, Named, Query
from verifier.checks.partitions import Partitions
from verifier.checks.reason import HOPELESS, CannotTell, UnknownReason, told
from verifier.checks.sqltext import within

ABSENT = frozenset({UnknownReason.NO_SUCH_TABLE, UnknownReason.NO_SUCH_COLUMN})


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a check asks of its store, and why it cannot be had, or None.

    ``path`` leads from the check to where it is written, ``expected`` says what it is.
    """

    path: tuple[str | int, ...]
    expected: str
    problem: CannotTell | None = None

    @property
    def found(self) -> str:
        """What the store said, on one line."""
        return " ".join(self.problem.detail.split()) if self.problem else ""


def try_names(asker: CheckModel | Partitions, store: str, inquiry: Inquiry) -> Iterator[Trial]:
    """Each thing that ``asker`` asks of ``store``, tried; ends where nothing more is answered."""
    gone: set[str] = set()
    for trial in _trials(asker, store, inquiry, gone):
        yield trial
        if trial.problem is not None and trial.problem.reason in HOPELESS:
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
            problem = _ask(inquiry, store, _of_query(query, inquiry))
            yield Trial(path=query.path, expected=expected, problem=problem)


def _of_table(named: Named, inquiry: Inquiry) -> Iterator[Trial]:
    """The table with its columns at once; one by one only where that fails."""
    ask = partial(_columns, named, inquiry)
    whole = told(partial(ask, [name for name, _ in named.columns]))
    table = Trial(path=named.path, expected=f"the table {named.table}")
    if whole is None or not named.columns or whole.reason is not UnknownReason.NO_SUCH_COLUMN:
        yield msgspec.structs.replace(table, problem=whole)
        return
    for name, path in named.columns:
        expected = f"the column {name} in {named.table}"
        yield Trial(path=path, expected=expected, problem=told(partial(ask, [name])))


def _columns(named: Named, inquiry: Inquiry, names: list[str]) -> None:
    session = inquiry.session(named.store)
    table = session.quote(named.table)
    # Without its table, SQLite takes a quoted name that no column has for a text.
    columns = ", ".join(f"{table}.{session.quote(name)}" for name in names) or "1"
    _no_rows(inquiry, named.store, f"SELECT {columns}\nFROM {table}\nLIMIT 0")


def _ask(inquiry: Inquiry, store: str, sql: str) -> CannotTell | None:
    return told(lambda: _no_rows(inquiry, store, sql))


def _no_rows(inquiry: Inquiry, store: str, sql: str) -> None:
    with inquiry.rows(inquiry.statement(store, sql)) as rows:
        for _ in rows:
            return


def _of_query(query: Query, inquiry: Inquiry) -> str:
    # The line breaks keep a comment at the end of a text from hiding what follows.
    if query.table is None:
        return f"SELECT *\nFROM (\n{within(query.sql)}\n) asked\nLIMIT 0"
    table = inquiry.session(query.store).quote(query.table)
    return f"SELECT 1\nFROM {table}\nWHERE ({query.sql}\n)\nLIMIT 0"
