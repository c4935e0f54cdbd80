"""``sql``: one number within bounds, or no rows at all."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from verifier.checks.answer import Answer
from verifier.checks.bounds import Bounds
from verifier.checks.inquiry import Inquiry, Statement
from verifier.checks.keys import key_of, sample, sketch
from verifier.checks.model import CheckModel, Name, Query, Sql
from verifier.checks.number import EXACT, plain
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.runs.evaluation import Result


class SqlCheck(CheckModel, Bounds):
    """Runs a statement of your own: its number has to meet bounds, or it must give no rows.

    A check of quality: whatever it finds, it says nothing of none, partial or duplicated.
    """

    type: Literal["sql"]
    store: Annotated[Name, Field(description="The store that is asked.")]
    sql: Annotated[Sql, Field(description="Gives one number, or the rows that must not be.")]
    no_rows: Annotated[
        bool, Field(description="Whether the statement must give no rows, in place of bounds.")
    ] = False

    @model_validator(mode="after")
    def _bounds_or_no_rows(self) -> Self:
        if self.no_rows == self.bounded:
            raise ValueError("expected either a bound (eq, ge, le, between) or 'no_rows: true'")
        return self

    def queries(self) -> Iterator[Query]:
        """The statement."""
        yield Query(path=("sql",), sql=self.sql, store=self.store, store_path=("store",))

    def answer(self, inquiry: Inquiry) -> Answer:
        """Asks, and compares."""
        statement = inquiry.statement(self.store, self.sql)
        inquiry.evidence.update(statement.evidence())
        return self._rows(inquiry, statement) if self.no_rows else self._number(inquiry, statement)

    def _number(self, inquiry: Inquiry, statement: Statement) -> Answer:
        inquiry.evidence["allowed"] = self.allowed.evidence()
        number = inquiry.number(statement)
        inquiry.evidence["value"] = plain(number)
        return Answer(
            result=Result.HOLDS if number in self.allowed else Result.VIOLATED,
            measured=number,
            destination_sketch=sketch([((plain(number.normalize(EXACT)),), 1)]),
        )

    def _rows(self, inquiry: Inquiry, statement: Statement) -> Answer:
        found = set()
        count = 0
        with inquiry.rows(statement) as rows:
            for row in rows:
                count += 1
                found.add(key_of(row))
                if count > inquiry.max_keys:
                    raise CannotTell(
                        UnknownReason.TOO_MANY_KEYS, f"more than {inquiry.max_keys} rows are there"
                    )
        inquiry.evidence.update(rows=count, sample={"unwanted": sample(found)})
        return Answer(
            result=Result.VIOLATED if count else Result.HOLDS,
            destination_sketch=sketch((key, 1) for key in found),
        )
