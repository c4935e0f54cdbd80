"""Signals of Airflow's attempts: what all of them carry."""

from datetime import datetime, timedelta

import msgspec

from verifier.runs.signal import EndProof, Kind, Lane, Progress, Signal
from verifier.signals.airflow.identity import signal_id

WAITS_AT_MOST = timedelta(days=30)
"""How long what Airflow has yet to start counts as about to start, unless it takes it back."""


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """Which job and run attempts are of, why they were made, and who tells of them.

    ``lane`` is None where nobody can tell any more.
    """

    job: str
    due: datetime | None
    lane: Lane | None
    teller: str

    @property
    def before(self) -> "Occasion":
        """The same run in an earlier pass, whose reason Airflow has overwritten.

        What was heard of it at the time stays as it was told.
        """
        lane = Lane.MANUAL if self.due is None else None
        return msgspec.structs.replace(self, lane=lane)

    def tell(
        self,
        kind: Kind,
        at: datetime,
        attempt: str,
        *,
        worker: str | None = None,
        reason: str | None = None,
        retry_at: datetime | None = None,
        waits_until: datetime | None = None,
        end_proof: EndProof | None = None,
        done_of: tuple[int, int] | None = None,
    ) -> Signal:
        """A signal of ``attempt``; its id is made of all that it says."""
        more = (self.due, self.lane, worker, reason, retry_at, waits_until, end_proof, done_of)
        return Signal(
            job=self.job,
            kind=kind,
            at=at,
            id=signal_id(self.teller, attempt, kind, at, *more),
            due=self.due,
            lane=self.lane,
            attempt=attempt,
            worker=worker,
            reason=reason,
            lease_until=waits_until,
            next_retry_at=retry_at,
            end_proof=end_proof,
            progress=Progress(done=done_of[0], total=done_of[1]) if done_of else None,
        )

    def waits(self, at: datetime, attempt: str) -> Signal:
        """That ``attempt`` is to come, since ``at``."""
        return self.tell(Kind.CREATED, at, attempt, waits_until=at + WAITS_AT_MOST)

    def waits_no_more(self, at: datetime, attempt: str) -> Signal:
        """That ``attempt`` will never come: it counts nowhere."""
        return self.tell(Kind.CREATED, at, attempt, waits_until=at)
