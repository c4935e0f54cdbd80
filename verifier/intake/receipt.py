"""What the door answers: how many signals it took, and which it refused and why."""

from enum import StrEnum

import msgspec


class RejectCode(StrEnum):
    """Why a signal was refused; also the label of the metric that counts them.

    The last three are of sources: what is not as the scheduler's protocol has it, what
    is larger than is read, and what is of no job that is bound there.
    """

    NOT_JSON = "not_json"
    NOT_A_SIGNAL = "not_a_signal"
    BAD_TIME = "bad_time"
    FUTURE_TIME = "future_time"
    TOO_OLD = "too_old"
    UNKNOWN_JOB = "unknown_job"
    UNKNOWN_PARTITION = "unknown_partition"
    DUE_NEEDED = "due_needed"
    ATTEMPT_NEEDED = "attempt_needed"
    RESERVED = "reserved"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    UNBOUND = "unbound"


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """One refused signal. ``retriable``: the same signal may be taken later."""

    index: int
    code: RejectCode
    detail: str
    retriable: bool = False


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a batch; what was accepted is durable."""

    accepted: int = 0
    duplicates: int = 0
    rejected: tuple[Rejection, ...] = ()


class Refused(ValueError):
    """A signal that the door does not take; ``job``: the one that it names and nobody declared."""

    def __init__(
        self, code: RejectCode, detail: str, *, retriable: bool = False, job: str | None = None
    ) -> None:
        super().__init__(detail)
        self.job = job
        self.code = code
        self.detail = detail
        self.retriable = retriable

    def rejection(self, index: int) -> Rejection:
        """This refusal as the answer to item ``index`` of a batch."""
        return Rejection(index=index, code=self.code, detail=self.detail, retriable=self.retriable)
