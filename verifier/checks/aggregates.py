"""Checks that ask a few figures of one table, asked in one statement.

The statement reads the rows that any of them looks at, and each figure counts its own
check's alone. What a check's own statement would have given follows from its figures; it
then answers as if it had asked by itself. A statement that fails is asked again in
halves, a few times; who is left over asks by itself, so no check blinds another.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from operator import itemgetter
from time import perf_counter
from typing import Any

from verifier.checks.inquiry import Inquiry, Known, Statement
from verifier.checks.reason import HOPELESS, CannotTell, UnknownReason, told

MOST_TOGETHER = 64
"""How many checks one statement answers at most; databases bound columns and depth."""

MOST_FAILURES = 6
"""How often halves are tried: enough to find the one bad check of ``MOST_TOGETHER``."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A function, ``count`` or ``max``, of an expression over some rows of a table."""

    function: str
    of: str
    distinct: bool = False

    def sql(self, condition: str | None, *, filters: bool) -> str:
        """The figure over the rows that meet ``condition``; over all where it is None.

        ``filters``: it is said by ``FILTER``.
        """
        distinct = "DISTINCT " if self.distinct else ""
        if condition is None:
            return f"{self.function}({distinct}{self.of})"
        if filters:
            return f"{self.function}({distinct}{self.of}) FILTER (WHERE {condition})"
        return f"{self.function}({distinct}CASE WHEN {condition} THEN {self.of} END)"


@dataclass(frozen=True, kw_only=True)
class Aggregates:
    """The figures of a table from which the rows of a check's own statement follow.

    ``rows`` makes those rows of what was found: one row of figures, or with ``by`` one for
    each value of that column, which comes first. It gives None where they do not follow
    and the statement has to be asked, or a narrower statement with the same rows.
    ``cheaper``: the figures are quicker to have than the rows, even for one check. Every
    value that ``statement`` binds is the run's.
    """

    statement: Statement
    table: str
    condition: str | None
    figures: tuple[Figure, ...]
    rows: Callable[[list[tuple[Any, ...]]], list[tuple[Any, ...]] | Statement | None]
    by: str | None = None
    cheaper: bool = False


Asked = tuple[Inquiry, Aggregates]


def ask_together(asked: Iterable[Asked]) -> None:
    """Ask for the aggregates, in one statement a table, and tell each check's inquiry.

    Those without a condition stand apart: an index may answer them in no time. So do
    those by partition, each condition by itself: its partitions are those that have rows.
    """
    groups: dict[tuple[object, ...], list[Asked]] = defaultdict(list)
    for each in asked:
        wanted = each[1]
        alike = wanted.condition if wanted.by is not None else wanted.condition is None
        groups[wanted.statement.store, wanted.table, wanted.by, alike].append(each)
    for group in groups.values():
        for start in range(0, len(group), MOST_TOGETHER):
            _ask_or_split(group[start : start + MOST_TOGETHER])


def _ask_or_split(group: Sequence[Asked]) -> None:
    left, failures = deque([group]), 0
    while left and failures < MOST_FAILURES:
        some = left.popleft()
        if len(some) == 1 and (failures or not some[0][1].cheaper):
            continue
        problem = told(partial(_ask, some))
        if problem is None:
            continue
        if problem.reason in HOPELESS:
            return
        failures += 1
        half = len(some) // 2
        left.extendleft(part for part in (some[half:], some[:half]) if part)


def _ask(group: Sequence[Asked]) -> None:
    inquiry, first = group[0]
    parameters: dict[str, object] = {}
    for _, wanted in group:
        parameters.update(wanted.statement.parameters)
    began = perf_counter()
    together = Statement(
        store=first.statement.store,
        sql=_sql([wanted for _, wanted in group], inquiry.session(first.statement.store).filters),
        parameters=parameters,
    )
    found = _all(inquiry, together)
    seconds = perf_counter() - began
    shared = () if first.by is None else (0,)
    start = len(shared)
    for asking, wanted in group:
        end = start + len(wanted.figures)
        own: object = wanted.rows(_columns(found, (*shared, *range(start, end))))
        start = end
        spent = seconds
        if isinstance(own, Statement):
            began = perf_counter()
            own = told(partial(_all, asking, own))
            spent += perf_counter() - began
        if isinstance(own, list):
            known = Known(rows=own, seconds=spent, together=len(group))
            asking.known[wanted.statement.store, wanted.statement.sql] = known


def _columns(rows: Sequence[tuple[Any, ...]], places: Sequence[int]) -> list[tuple[Any, ...]]:
    if len(places) == 1:
        return [(row[places[0]],) for row in rows]
    # There may be as many rows as partitions.
    return list(map(itemgetter(*places), rows))


def _all(inquiry: Inquiry, statement: Statement) -> list[tuple[Any, ...]]:
    session = inquiry.session(statement.store)
    with session.select(statement.sql, statement.parameters) as rows:
        found = list(islice(rows, inquiry.max_keys + 1))
    if len(found) > inquiry.max_keys:
        raise CannotTell(UnknownReason.TOO_MANY_KEYS)
    return found


def _sql(group: Sequence[Aggregates], filters: bool) -> str:
    table, by = group[0].table, group[0].by
    # The line break keeps a comment at the end of a condition from hiding the parenthesis.
    conditions = [None if each.condition is None else f"({each.condition}\n)" for each in group]
    apart = dict.fromkeys(conditions)
    figures = [
        figure.sql(condition if len(apart) > 1 else None, filters=filters)
        for condition, each in zip(conditions, group, strict=True)
        for figure in each.figures
    ]
    if by is not None:
        figures.insert(0, by)
    sql = f"SELECT {', '.join(figures)}\nFROM {table}"
    picked = [condition for condition in apart if condition is not None]
    if picked:
        sql += f"\nWHERE {' OR '.join(picked)}"
    return sql if by is None else f"{sql}\nGROUP BY {by}"
