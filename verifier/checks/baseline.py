"""``baseline``: whether a number is as usual, by the last verified runs."""

from collections.abc import Iterator
from decimal import Decimal
from statistics import median
from typing import Annotated, Literal, Self

import msgspec
from pydantic import Field, model_validator

from verifier.checks.answer import Answer
from verifier.checks.bounds import Amount, Percent, around
from verifier.checks.inquiry import Inquiry
from verifier.checks.keys import sketch
from verifier.checks.model import CheckModel, Name, Query, Sql
from verifier.checks.number import EXACT, plain
from verifier.checks.reason import UnknownReason
from verifier.runs.evaluation import Result

MOST_RUNS = 100


class Baseline(CheckModel):
    """Compares a number with the median of what verified runs had.

    Runs whose own verdict is another teach nothing: a bad night never becomes usual.
    While there are too few of them the answer is `unknown(not_enough_history)`, which
    keeps no run from being verified. A check of quality.
    """

    type: Literal["baseline"]
    store: Annotated[Name, Field(description="The store that is asked.")]
    sql: Annotated[Sql, Field(description="A statement that gives one number.")]
    runs: Annotated[
        int, Field(ge=1, le=MOST_RUNS, description="How many verified runs, the newest, it uses.")
    ] = 14
    at_least: Annotated[
        int, Field(ge=1, le=MOST_RUNS, description="How many of them it needs to tell.")
    ] = 5
    within_abs: Annotated[
        Amount | None, Field(description="How far from the median the number may be.")
    ] = None
    within_pct: Annotated[
        Percent | None, Field(description="How far it may be, in percent of the median.")
    ] = None

    @model_validator(mode="after")
    def _bounds_that_can_hold(self) -> Self:
        if self.within_abs is None and self.within_pct is None:
            raise ValueError("expected 'within_abs' or 'within_pct'")
        if self.at_least > self.runs:
            raise ValueError(f"expected at_least to be at most runs ({self.runs})")
        return self

    @property
    def history(self) -> int:
        """The last runs that it uses."""
        return self.runs

    def queries(self) -> Iterator[Query]:
        """The statement."""
        yield Query(path=("sql",), sql=self.sql, store=self.store, store_path=("store",))

    def answer(self, inquiry: Inquiry) -> Answer:
        """Asks, and compares with the runs before.

        The number is kept while it still learns: it is what later runs learn from.
        """
        statement = inquiry.statement(self.store, self.sql)
        inquiry.evidence.update(statement.evidence())
        number = inquiry.number(statement)
        known = [Decimal(each.measured) for each in inquiry.history if each.measured is not None]
        inquiry.evidence.update(value=plain(number), verified_runs=len(known))
        told = Answer(
            result=Result.UNKNOWN,
            reason=UnknownReason.NOT_ENOUGH_HISTORY,
            measured=number,
            destination_sketch=sketch([((plain(number.normalize(EXACT)),), 1)]),
        )
        if len(known) < self.at_least:
            inquiry.evidence["needed"] = self.at_least
            return told
        usual = median(known)
        allowed = around(usual, within_abs=self.within_abs, within_pct=self.within_pct)
        inquiry.evidence.update(usual=plain(usual), allowed=allowed.evidence())
        result = Result.HOLDS if number in allowed else Result.VIOLATED
        return msgspec.structs.replace(told, result=result, reason=None)
