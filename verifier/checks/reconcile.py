"""``reconcile``: whether two numbers agree, such as totals of a source and a destination."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from verifier.checks.answer import Answer
from verifier.checks.bounds import Amount, Percent, around
from verifier.checks.inquiry import Inquiry
from verifier.checks.keys import sketch
from verifier.checks.model import CheckModel, Name, Query, Sql
from verifier.checks.number import EXACT, plain
from verifier.checks.part import Part
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.runs.evaluation import Result


class Side(Part):
    """One of the two numbers."""

    store: Annotated[Name, Field(description="The store that is asked.")]
    sql: Annotated[Sql, Field(description="A statement that gives one number.")]


class Reconcile(CheckModel):
    """Compares two numbers, exactly unless a tolerance is given.

    ``left`` is the source: percents are of it. Zero on both sides proves nothing,
    unless ``allow_empty`` says that it can be right.
    """

    type: Literal["reconcile"]
    left: Annotated[Side, Field(description="The source's side.")]
    right: Annotated[Side, Field(description="The destination's side.")]
    within_abs: Annotated[Amount | None, Field(description="How far apart the numbers may be.")] = (
        None
    )
    within_pct: Annotated[
        Percent | None, Field(description="How far apart they may be, in percent of `left`.")
    ] = None
    allow_empty: Annotated[bool, Field(description="Whether zero on both sides can be right.")] = (
        False
    )

    @model_validator(mode="after")
    def _one_tolerance(self) -> Self:
        if self.within_abs is not None and self.within_pct is not None:
            raise ValueError("expected either 'within_abs' or 'within_pct', found both")
        return self

    def queries(self) -> Iterator[Query]:
        """The statement of each side."""
        for word, side in (("left", self.left), ("right", self.right)):
            yield Query(
                path=(word, "sql"), sql=side.sql, store=side.store, store_path=(word, "store")
            )

    def answer(self, inquiry: Inquiry) -> Answer:
        """Asks the source, then the destination, and compares."""
        left = _ask(inquiry, "left", self.left)
        right = _ask(inquiry, "right", self.right)
        allowed = around(left, within_abs=self.within_abs, within_pct=self.within_pct)
        inquiry.evidence["difference"] = plain(EXACT.subtract(right, left))
        inquiry.evidence["allowed"] = allowed.evidence()
        if left == right == 0 and not self.allow_empty:
            raise CannotTell(UnknownReason.ZERO_ON_BOTH_SIDES, "both sides are 0")
        return Answer(
            result=Result.HOLDS if right in allowed else Result.VIOLATED,
            source_sketch=_sketch(left),
            destination_sketch=_sketch(right),
        )


def _ask(inquiry: Inquiry, word: str, side: Side) -> Decimal:
    evidence = inquiry.evidence[word] = {}
    statement = inquiry.statement(side.store, side.sql)
    evidence.update(statement.evidence())
    number = inquiry.number(statement)
    evidence["value"] = plain(number)
    return number


def _sketch(number: Decimal) -> str:
    return sketch([((plain(number.normalize(EXACT)),), 1)])
