"""``row_count``: whether there are as many rows as there should be."""

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from verifier.checks.aggregates import Aggregates, Figure
from verifier.checks.answer import Answer
from verifier.checks.bounds import Amount, Percent, Range, around, overlap, percent_of
from verifier.checks.expected import Expected, counts_of
from verifier.checks.inquiry import Inquiry, Statement
from verifier.checks.keys import sketch
from verifier.checks.model import Identifier, Name, Named, Query, Sql
from verifier.checks.number import EXACT, to_count
from verifier.checks.split import PartitionedCheck, Split
from verifier.runs.evaluation import Effect, Result

_OF_EXPECTED = ("within_abs", "within_pct", "at_least_pct_of_expected")


class RowCount(PartitionedCheck):
    """Holds a count against bounds, which must all hold.

    None: zero rows. Partial: fewer than the bounds ask for. Complete: within them.
    More than they allow is a violation of quality that says nothing of the effect:
    a count cannot know whether rows were written twice.
    """

    says_effect = True

    type: Literal["row_count"]
    store: Annotated[Name, Field(description="The store that holds the table.")]
    table: Annotated[
        Identifier | None, Field(description="The table or view whose rows are counted.")
    ] = None
    where: Annotated[
        Sql | None, Field(description="The condition that picks the run's rows of `table`.")
    ] = None
    sql: Annotated[
        Sql | None, Field(description="A statement that gives the count, instead of `table`.")
    ] = None
    expected: Annotated[
        Expected | None, Field(description="Where the number of rows to expect comes from.")
    ] = None
    eq: Annotated[int | None, Field(ge=0, description="Exactly this many rows.")] = None
    ge: Annotated[int | None, Field(ge=0, description="At least this many rows.")] = None
    le: Annotated[int | None, Field(ge=0, description="At most this many rows.")] = None
    between: Annotated[
        tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] | None,
        Field(description="At least the first and at most the second number of rows."),
    ] = None
    within_abs: Annotated[
        Amount | None, Field(description="At most this many rows from the number expected.")
    ] = None
    within_pct: Annotated[
        Percent | None, Field(description="At most this many percent from the number expected.")
    ] = None
    at_least_pct_of_expected: Annotated[
        Percent | None, Field(description="At least this many percent of the number expected.")
    ] = None
    allow_empty: Annotated[
        bool, Field(description="Whether zero rows can be right, and are then complete.")
    ] = False

    @model_validator(mode="after")
    def _one_way_to_count(self) -> Self:
        if (self.table is None) == (self.sql is None):
            raise ValueError("expected either 'table' with 'where', or 'sql'")
        if (self.table is None) != (self.where is None):
            raise ValueError("expected 'where' beside 'table', and only there")
        return self

    @model_validator(mode="after")
    def _partitions_of_a_table(self) -> Self:
        if self.partition is not None and self.table is None:
            raise ValueError("expected 'table' beside 'partition', its column")
        return self

    @model_validator(mode="after")
    def _bounds_that_can_hold(self) -> Self:
        of_expected = [word for word in _OF_EXPECTED if getattr(self, word) is not None]
        if of_expected and self.expected is None:
            raise ValueError(f"expected 'expected' beside {of_expected[0]!r}")
        if self.expected is not None and not of_expected:
            raise ValueError(f"expected one of {', '.join(_OF_EXPECTED)} beside 'expected'")
        fixed = overlap(self._fixed())
        if not of_expected and fixed.low is None and fixed.high is None:
            raise ValueError("expected a bound: eq, ge, le, between, or one against 'expected'")
        if fixed.empty:
            raise ValueError("expected bounds that a number can meet")
        if not of_expected and Decimal(0) in fixed and not self.allow_empty:
            raise ValueError(
                "expected bounds that zero rows do not meet, such as 'ge: 1', "
                "or 'allow_empty: true'"
            )
        return self

    def queries(self) -> Iterator[Query]:
        """The condition or the statement, and the expected side."""
        if self.where is not None:
            yield Query(
                path=("where",),
                sql=self.where,
                store=self.store,
                store_path=("store",),
                table=self.table,
            )
        if self.sql is not None:
            yield Query(path=("sql",), sql=self.sql, store=self.store, store_path=("store",))
        if self.expected is not None:
            yield from self.expected.queries()

    def names(self) -> Iterator[Named]:
        """The table, and its column of partitions."""
        if self.table is not None:
            columns = () if self.partition is None else ((self.partition, ("partition",)),)
            yield Named(store=self.store, table=self.table, path=("table",), columns=columns)

    @property
    def history(self) -> int:
        """As the expected side asks."""
        return 0 if self.expected is None else self.expected.history

    def answer(self, inquiry: Inquiry) -> Answer:
        """Counts, and compares with the bounds."""
        expected = None if self.expected is None else self.expected.count(inquiry)
        allowed = overlap([*self._fixed(), *self._of_expected(expected)])
        statement = self._statement(inquiry)
        inquiry.evidence.update({**statement.evidence(), "allowed": allowed.evidence()})
        count = to_count(inquiry.number(statement))
        inquiry.evidence["rows"] = count
        return self._answer(count, expected, allowed)

    def aggregates(self, inquiry: Inquiry) -> Aggregates | None:
        """The count, where it is that of a table."""
        if self.table is None:
            return None
        return Aggregates(
            statement=self._statement(inquiry),
            table=inquiry.session(self.store).quote(self.table),
            condition=self.where,
            figures=(Figure(function="count", of="1"),),
            rows=lambda found: found,
        )

    def aggregates_by_partition(self, inquiry: Inquiry) -> Aggregates:
        """The count of each partition."""
        session = inquiry.session(self.store)
        (column,) = session.exact(self.table or "", (self.partition or "",))
        return Aggregates(
            statement=self._by_partition(inquiry),
            table=session.quote(self.table or ""),
            condition=self.where,
            figures=(Figure(function="count", of="1"),),
            rows=lambda found: found,
            by=column,
        )

    def split(self, inquiry: Inquiry) -> Split:
        """Counts every partition in one statement, and holds each against its bounds."""
        expected = None if self.expected is None else self.expected.counts(inquiry)
        statement = self._by_partition(inquiry)
        inquiry.evidence.update(statement.evidence())
        found, nameless = counts_of(inquiry, statement)
        inquiry.evidence["rows"] = sum(found.values()) + nameless
        if expected is None:
            bounds = overlap(self._fixed())
            # Most of many partitions have the same count.
            of = {count: self._answer(count, None, bounds) for count in set(found.values())}
            answers: dict[str, Answer | None] = {name: of[count] for name, count in found.items()}
            return Split(answers, self._answer(0, None, bounds), nameless)
        answers = {}
        may_be_empty = self.expected is not None and self.expected.allow_empty
        for name in found.keys() | expected.keys():
            due = expected.get(name, 0)
            if not due and not found.get(name):
                continue
            allowed = overlap([*self._fixed(), *self._of_expected(due)])
            believed = due or may_be_empty
            answers[name] = self._answer(found.get(name, 0), due, allowed) if believed else None
        allowed = overlap([*self._fixed(), *self._of_expected(0)])
        rest = self._answer(0, 0, allowed) if may_be_empty else None
        strays = {name: found[name] for name, answer in answers.items() if answer is None}
        return Split(answers, rest, nameless, strays)

    def _answer(self, count: int, expected: int | None, allowed: Range) -> Answer:
        result, effect = self._judge(count, allowed)
        least = None if allowed.low is None else _up(allowed.low)
        return Answer(
            result=result,
            effect=effect,
            expected=least if expected is None else expected,
            done=count,
            missing=0 if least is None else max(0, least - count),
            source_sketch=None if expected is None else sketch([((), expected)]),
            destination_sketch=sketch([((), count)]),
        )

    def _judge(self, count: int, allowed: Range) -> tuple[Result, Effect | None]:
        number = Decimal(count)
        if count == 0 and not (self.allow_empty and number in allowed):
            return Result.VIOLATED, Effect.NONE
        if allowed.falls_short(number):
            return Result.VIOLATED, Effect.PARTIAL
        if allowed.exceeds(number):
            return Result.VIOLATED, None
        return Result.HOLDS, Effect.COMPLETE

    def _statement(self, inquiry: Inquiry) -> Statement:
        if self.sql is not None:
            return inquiry.statement(self.store, self.sql)
        table = inquiry.session(self.store).quote(self.table or "")
        # The line break keeps a comment at the end of the condition from hiding the parenthesis.
        sql = f"SELECT count(*)\nFROM {table}\nWHERE ({self.where}\n)"
        return inquiry.statement(self.store, sql)

    def _by_partition(self, inquiry: Inquiry) -> Statement:
        session = inquiry.session(self.store)
        table = session.quote(self.table or "")
        (column,) = session.exact(self.table or "", (self.partition or "",))
        sql = f"SELECT {column}, count(*)\nFROM {table}\nWHERE ({self.where}\n)\nGROUP BY {column}"
        return inquiry.statement(self.store, sql)

    def _fixed(self) -> list[Range]:
        ranges = []
        if self.eq is not None:
            ranges.append(Range(Decimal(self.eq), Decimal(self.eq)))
        if self.ge is not None:
            ranges.append(Range(low=Decimal(self.ge)))
        if self.le is not None:
            ranges.append(Range(high=Decimal(self.le)))
        if self.between is not None:
            ranges.append(Range(Decimal(self.between[0]), Decimal(self.between[1])))
        return ranges

    def _of_expected(self, expected: int | None) -> list[Range]:
        if expected is None:
            return []
        centre = Decimal(expected)
        ranges = []
        if self.within_abs is not None or self.within_pct is not None:
            ranges.append(around(centre, within_abs=self.within_abs, within_pct=self.within_pct))
        if self.at_least_pct_of_expected is not None:
            ranges.append(Range(low=percent_of(self.at_least_pct_of_expected, centre)))
        return ranges


def _up(number: Decimal) -> int:
    return max(0, int(number.to_integral_value(rounding=ROUND_CEILING, context=EXACT)))
