"""``freshness``: whether the newest row is recent enough."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from verifier.checks.aggregates import Aggregates, Figure
from verifier.checks.answer import Answer
from verifier.checks.inquiry import NOTHING, Inquiry, Statement
from verifier.checks.keys import sketch
from verifier.checks.model import CheckModel, Duration, Identifier, Name, Named, Need, Query, Sql
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.runs.duration import format_duration
from verifier.runs.evaluation import Result

CLOCKS_MAY_DIFFER = timedelta(minutes=5)


def _known(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("expected an IANA time zone such as Europe/Berlin")
    return name


class Freshness(CheckModel):
    """Compares the newest value of a column with the run's end.

    It looks back from the end of the run's last attempt, or from now where nothing has
    ended: so a run that was fresh stays so when it is asked again next week. An empty
    table, or a newest row in the future, proves nothing. A check of quality.
    """

    type: Literal["freshness"]
    store: Annotated[Name, Field(description="The store that holds the table.")]
    table: Annotated[Identifier, Field(description="The table or view that the run fills.")]
    column: Annotated[Identifier, Field(description="The column with each row's instant or date.")]
    within: Annotated[Duration, Field(description="How old the newest row may be.")]
    where: Annotated[
        Sql | None, Field(description="The condition that picks the rows to look at.")
    ] = None
    timezone: Annotated[
        str,
        AfterValidator(_known),
        Field(description="The IANA zone of values that have no offset."),
    ] = "UTC"

    def queries(self) -> Iterator[Query]:
        """The condition."""
        if self.where is not None:
            yield Query(
                path=("where",),
                sql=self.where,
                store=self.store,
                store_path=("store",),
                table=self.table,
            )

    def names(self) -> Iterator[Named]:
        """The table and its column."""
        columns = ((self.column, ("column",)),)
        yield Named(store=self.store, table=self.table, path=("table",), columns=columns)

    def needs(self) -> Iterator[Need]:
        """The table's store, with or without a condition."""
        yield Need(store=self.store, path=("store",))

    def aggregates(self, inquiry: Inquiry) -> Aggregates:
        """The newest value."""
        table, column = self._names(inquiry)
        return Aggregates(
            statement=self._statement(inquiry),
            table=table,
            condition=self.where,
            figures=(Figure(function="max", of=column),),
            rows=lambda found: found,
        )

    def answer(self, inquiry: Inquiry) -> Answer:
        """Asks for the newest value, and compares."""
        statement = self._statement(inquiry)
        inquiry.evidence.update(statement.evidence())
        value = inquiry.value(statement)
        if value is None or value is NOTHING:
            raise CannotTell(UnknownReason.NULL_RESULT, "no row has an instant")
        newest = to_instant(value, self.timezone)
        until = inquiry.question.ended or inquiry.now
        inquiry.evidence.update(
            newest=newest.isoformat(),
            asked_of=until.isoformat(),
            within=format_duration(self.within),
        )
        if newest > inquiry.now + CLOCKS_MAY_DIFFER:
            raise CannotTell(
                UnknownReason.IN_THE_FUTURE,
                f"the newest row is of {newest.isoformat()}, read in {self.timezone}",
            )
        return Answer(
            result=Result.HOLDS if newest >= until - self.within else Result.VIOLATED,
            destination_sketch=sketch([((newest.isoformat(),), 1)]),
        )

    def _statement(self, inquiry: Inquiry) -> Statement:
        table, column = self._names(inquiry)
        sql = f"SELECT max({column})\nFROM {table}"
        if self.where is not None:
            # The line break keeps a comment at the end from hiding the parenthesis.
            sql += f"\nWHERE ({self.where}\n)"
        return inquiry.statement(self.store, sql)

    def _names(self, inquiry: Inquiry) -> tuple[str, str]:
        session = inquiry.session(self.store)
        table = session.quote(self.table)
        return table, f"{table}.{session.quote(self.column)}"


def to_instant(value: object, timezone: str) -> datetime:
    """``value`` of a store as a UTC instant; raises ``CannotTell`` where it is none.

    A date is its first instant in ``timezone``. Text counts where it is ISO 8601.
    """
    moment = value
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            moment = None
    elif isinstance(moment, date) and not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    if not isinstance(moment, datetime):
        raise CannotTell(
            UnknownReason.NOT_AN_INSTANT, f"expected an instant, found {type(value).__name__}"
        )
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise CannotTell(UnknownReason.NOT_AN_INSTANT, "an instant out of bounds") from None
