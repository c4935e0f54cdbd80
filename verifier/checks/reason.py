"""Why a check could not tell."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from verifier.runs.evaluation import LEARNING, NO_PARTITION


class UnknownReason(StrEnum):
    """The reasons of an unknown answer; a closed list, since metrics carry it as a label."""

    # The store
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    LOCKED = "locked"
    RECOVERY_NEEDED = "recovery_needed"
    PERMISSION_DENIED = "permission_denied"
    INTERRUPTED = "interrupted"
    # The statement
    NO_SUCH_TABLE = "no_such_table"
    NO_SUCH_COLUMN = "no_such_column"
    NOT_READ_ONLY = "not_read_only"
    BAD_QUERY = "bad_query"
    # The file or the answer of a service
    OUT_OF_ROOT = "out_of_root"
    NO_SUCH_FILE = "no_such_file"
    TOO_LARGE = "too_large"
    REFUSED = "refused"
    REDIRECTED = "redirected"
    NO_SUCH_VALUE = "no_such_value"
    # The function
    RAISED = "raised"
    SAID_SO = "said_so"
    # What the statement gave
    WRONG_SHAPE = "wrong_shape"
    NOT_TEXT = "not_text"
    NULL_RESULT = "null_result"
    NULL_KEY = "null_key"
    NOT_A_NUMBER = "not_a_number"
    NOT_AN_INSTANT = "not_an_instant"
    IN_THE_FUTURE = "in_the_future"
    TOO_MANY_KEYS = "too_many_keys"
    OUT_OF_REACH = "out_of_reach"
    IN_DOUBT = "in_doubt"
    ZERO_ON_BOTH_SIDES = "zero_on_both_sides"
    # The expected side
    EXPECTED_EMPTY = "expected_empty"
    EXPECTED_NOT_READY = "expected_not_ready"
    EXPECTED_BELOW_MIN = "expected_below_min"
    EXPECTED_DRIFTED = "expected_drifted"
    NOT_ENOUGH_HISTORY = LEARNING
    # The run
    NO_START = "no_start"
    NO_INTERVAL = "no_interval"
    NOT_ONE_DAY = "not_one_day"
    NO_PARTITION = NO_PARTITION
    # Ourselves
    INTERNAL = "internal"


HOPELESS = frozenset({UnknownReason.UNREACHABLE, UnknownReason.INTERRUPTED})
"""The reasons for which no other statement will be answered either."""

T = TypeVar("T")


class Fault(StrEnum):
    """Whose fault it is that a database does not answer, where it says so."""

    STATEMENT = "statement"
    """It is never answered, whatever is bound and whatever is kept."""
    VALUE = "value"
    """A value does not fit; with another one the statement may be answered."""
    TRIAL = "trial"
    """It is only the form in which a statement is tried that is refused."""


_LONGEST_DETAIL = 200


class CannotTell(Exception):
    """The check's answer is unknown for ``reason``; ``detail`` says more to a person.

    The detail never holds a URL or a bound value, so it holds no secret. ``fault`` is
    None where the database does not say whose it is.
    """

    def __init__(
        self, reason: UnknownReason, detail: str = "", *, fault: Fault | None = None
    ) -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail[:_LONGEST_DETAIL]
        self.fault = fault


def told(call: Callable[[], T]) -> T | CannotTell:
    """What ``call`` returns, or why it could not; it raises nothing."""
    try:
        return call()
    except CannotTell as error:
        return error
    except Exception as error:
        return unforeseen(error)


def unforeseen(error: Exception) -> CannotTell:
    """Only the class is told: a message may hold values, and so secrets."""
    return CannotTell(UnknownReason.INTERNAL, type(error).__name__)
