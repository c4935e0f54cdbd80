"""The question that checks answer: which run, and the values that its statements bind."""

from datetime import UTC, date, datetime

import msgspec

from verifier.checks.reason import CannotTell, UnknownReason
from verifier.runs.covers import local_day
from verifier.runs.interval import Interval
from verifier.runs.wallclock import shown_at, zone

PARAMETERS = {
    "due": "the instant at which the run was due",
    "interval_start": "the instant at which the run's business interval starts",
    "interval_end": "the first instant after the run's business interval",
    "local_start": "interval_start on the clock of the job's zone, without an offset",
    "local_end": "interval_end on the clock of the job's zone, without an offset",
    "day": "the date of the run's business interval, where that is one local day",
    "run": "the run's id",
    "job": "the job's name",
    "partition": "the run's partition",
}
"""Every name that a statement may bind, with what it stands for."""

Value = datetime | date | str
"""What is bound: an aware UTC instant, a naive local time, a date, or text."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as its checks ask about it.

    ``due`` and ``interval`` are UTC; both are None for a run without a slot.
    ``timezone`` is the IANA name of the job's zone. ``started`` is when its first attempt
    started, ``ended`` when its last one did; None where nobody heard of it.
    """

    job: str
    run: str
    partition: str | None = None
    due: datetime | None = None
    interval: Interval | None = None
    timezone: str = "UTC"
    started: datetime | None = None
    ended: datetime | None = None

    def value(self, name: str) -> Value:
        """The value of the parameter ``name``, one of ``PARAMETERS``.

        Raises ``CannotTell`` where this run has none: a NULL in its place would find
        no rows and look as if nothing had been written.
        """
        match name:
            case "run":
                return self.run
            case "job":
                return self.job
            case "partition":
                if self.partition is None:
                    raise CannotTell(UnknownReason.NO_PARTITION, "the run covers all partitions")
                return self.partition
            case "due":
                if self.due is None:
                    raise CannotTell(UnknownReason.NO_INTERVAL, "the run has no due instant")
                return self.due.astimezone(UTC)
            case "interval_start":
                return self.covered().start
            case "interval_end":
                return self.covered().end
            case "local_start":
                return self._local(self.covered().start)
            case "local_end":
                return self._local(self.covered().end)
            case "day":
                return self._day()
        raise CannotTell(UnknownReason.BAD_QUERY, f"no run has a parameter :{name[:40]}")

    def covered(self) -> Interval:
        """The business interval in UTC; raises ``CannotTell`` where there is none."""
        if self.interval is None:
            raise CannotTell(UnknownReason.NO_INTERVAL, "the run has no business interval")
        return Interval(
            start=self.interval.start.astimezone(UTC), end=self.interval.end.astimezone(UTC)
        )

    def _local(self, moment: datetime) -> datetime:
        return shown_at(moment, zone(self.timezone))

    def _day(self) -> date:
        day = local_day(self.covered(), self.timezone)
        if day is None:
            raise CannotTell(
                UnknownReason.NOT_ONE_DAY, f"the interval is not one day in {self.timezone}"
            )
        return day
