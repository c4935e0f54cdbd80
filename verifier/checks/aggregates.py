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
from time import perf_counter
from typing import Any

from verifier.checks.inquiry import Inquiry, Known, Statement
from verifier.checks.reason import UnknownReason, told

MOST_TOGETHER = 64
"""How many checks one statement answers at most; databases bound columns and depth."""

MOST_FAILURES = 6
"""How often halves are tried: enough to find the one bad check of ``MOST_TOGETHER``."""

_HOPELESS = frozenset({UnknownReason.UNREACHABLE, UnknownReason.INTERRUPTED})


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A function, ``count`` or ``max``, of an expression over some rows of a table."""

    function: str
    of: str
    distinct: bool = False

    def sql(self, condition: str | None) -> str:
        """The figure over the rows that meet ``condition``; over all where it is None."""
        of = self.of if condition is None else f"CASE WHEN {condition} THEN {self.of} END"
        return f"{self.function}({'DISTINCT ' if self.distinct else ''}{of})"


@dataclass(frozen=True, kw_only=True)
class Aggregates:
    """The figures of a table from which the rows of a check's own statement follow.

    ``rows`` makes those rows of the figures; it gives None where they do not follow, and
    the statement has to be asked. ``cheaper``: the figures are quicker to have than the
    rows, even for one check. Every value that ``statement`` binds is the run's.
    """

    statement: Statement
    table: str
    condition: str | None
    figures: tuple[Figure, ...]
    rows: Callable[[Sequence[Any]], list[tuple[Any, ...]] | None]
    cheaper: bool = False


Asked = tuple[Inquiry, Aggregates]


def ask_together(asked: Iterable[Asked]) -> None:
    """Ask for the aggregates, in one statement a table, and tell each check's inquiry.

    Those without a condition stand apart: an index may answer them in no time.
    """
    groups: dict[tuple[str, str, bool], list[Asked]] = defaultdict(list)
    for each in asked:
        wanted = each[1]
        reads = (wanted.statement.store, wanted.table, wanted.condition is None)
        groups[reads].append(each)
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
        if problem.reason in _HOPELESS:
            return
        failures += 1
        half = len(some) // 2
        left.extendleft(part for part in (some[half:], some[:half]) if part)


def _ask(group: Sequence[Asked]) -> None:
    inquiry, first = group[0]
    session = inquiry.session(first.statement.store)
    parameters: dict[str, object] = {}
    for _, wanted in group:
        parameters.update(wanted.statement.parameters)
    began = perf_counter()
    with session.select(_sql(first.table, [wanted for _, wanted in group]), parameters) as rows:
        (found,) = rows
    seconds = perf_counter() - began
    values = iter(found)
    for asking, wanted in group:
        own = wanted.rows([next(values) for _ in wanted.figures])
        if own is not None:
            known = Known(rows=own, seconds=seconds, together=len(group))
            asking.known[wanted.statement.store, wanted.statement.sql] = known


def _sql(table: str, group: Sequence[Aggregates]) -> str:
    # The line break keeps a comment at the end of a condition from hiding the parenthesis.
    conditions = [None if each.condition is None else f"({each.condition}\n)" for each in group]
    apart = dict.fromkeys(conditions)
    figures = [
        figure.sql(condition if len(apart) > 1 else None)
        for condition, each in zip(conditions, group, strict=True)
        for figure in each.figures
    ]
    sql = f"SELECT {', '.join(figures)}\nFROM {table}"
    picked = [condition for condition in apart if condition is not None]
    return f"{sql}\nWHERE {' OR '.join(picked)}" if picked else sql
