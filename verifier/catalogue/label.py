"""Labels: each either a closed set of words, or a name that somebody declares."""

from enum import StrEnum

import msgspec

from verifier.runs.conditions import ConditionName
from verifier.runs.declaration import JobClass, Overlap, SurfaceKind
from verifier.runs.evaluation import Result
from verifier.runs.guard import Decision
from verifier.runs.signal import ENDS, Kind, Lane
from verifier.runs.verdict import Verdict


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A label of a family.

    ``values`` holds every value that it can take. It is empty for a name that is
    declared somewhere; ``declared`` then says where.
    """

    name: str
    values: tuple[str, ...] = ()
    declared: str = ""

    @property
    def closed(self) -> bool:
        """Whether all its values are known beforehand."""
        return bool(self.values)


class RetryReason(StrEnum):
    """How the attempt had ended that a retry repeats."""

    FAILED = "failed"
    LOST = "lost"
    OTHER = "other"


class UnknownGroup(StrEnum):
    """What a check's reason for an unknown answer is about."""

    STORE = "store"
    CHECK = "check"
    EXPECTED = "expected"
    OTHER = "other"


class Direction(StrEnum):
    """Whether a verdict that was revised became better or worse."""

    BETTER = "better"
    WORSE = "worse"


class KeyState(StrEnum):
    """What became of the business keys that a check counts."""

    EXPECTED = "expected"
    DONE = "done"
    MISSING = "missing"
    DUPLICATED = "duplicated"
    UNEXPECTED = "unexpected"


class Freshness(StrEnum):
    """Whether a partition has a useful completion that is recent enough."""

    FRESH = "fresh"
    STALE = "stale"
    UNKNOWN = "unknown"


class Loop(StrEnum):
    """The loops of a running ``serve``."""

    LISTENING = "listening"
    METRICS = "metrics"
    RELOAD = "reload"
    RETENTION = "retention"
    SPOOL = "spool"
    TICK = "tick"


def _words(words: type[StrEnum]) -> tuple[str, ...]:
    return tuple(word.value for word in words)


OPEN_VERDICTS = tuple(verdict.value for verdict in Verdict if not verdict.closed)
"""The verdicts of runs that wait for a person."""

QUANTILES = ("0.5", "0.95")

REJECT_CODES = (
    "not_json",
    "not_a_signal",
    "bad_time",
    "future_time",
    "too_old",
    "unknown_job",
    "unknown_partition",
    "due_needed",
    "attempt_needed",
    "reserved",
    "unreadable",
    "too_large",
    "unbound",
)
"""Why a signal was refused: the codes of ``intake``."""

JOB_NAME = Label(name="job_name", declared="a job of the configuration")
CHECK = Label(name="check", declared="a check of the job")
STORE = Label(name="store", declared="a store of the configuration")
SOURCE = Label(name="source", declared="where signals come from")
OWNER = Label(name="owner", declared="the job's owner in the configuration")
PARTITION_CLASS = Label(name="partition_class", declared="a class of partitions of the job")
VERSION = Label(name="version", declared="the version of landed")
LEDGER_ID = Label(name="ledger_id", declared="the id that a ledger gets at its creation")
HASH = Label(name="hash", declared="the digest of the configuration")

ATTEMPT_LANE = Label(name="lane", values=_words(Lane))
RUN_LANE = Label(name="lane", values=("live", "other"))
VERDICT = Label(name="verdict", values=_words(Verdict))
OPEN_VERDICT = Label(name="verdict", values=OPEN_VERDICTS)
CONDITION = Label(name="condition", values=_words(ConditionName))
OUTCOME = Label(name="outcome", values=tuple(kind.value for kind in Kind if kind in ENDS))
QUANTILE = Label(name="quantile", values=QUANTILES)
RETRY_REASON = Label(name="reason", values=_words(RetryReason))
UNKNOWN_REASON = Label(name="reason", values=_words(UnknownGroup))
DIRECTION = Label(name="direction", values=_words(Direction))
DECISION = Label(name="decision", values=_words(Decision))
RESULT = Label(name="result", values=_words(Result))
KEY_STATE = Label(name="state", values=_words(KeyState))
PARTITION_STATE = Label(name="state", values=_words(Freshness))
SCHEDULER = Label(name="scheduler", declared="what the job's source is, or none")
JOB_CLASS = Label(name="class", values=("none", *_words(JobClass)))
OVERLAP = Label(name="overlap", values=_words(Overlap))
EFFECTS = Label(name="effects", values=_words(SurfaceKind))
KIND = Label(name="kind", values=_words(Kind))
CODE = Label(name="code", values=REJECT_CODES)
LOOP = Label(name="loop", values=_words(Loop))
