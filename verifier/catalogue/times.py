"""Instants of a job, in seconds since 1970; one that does not exist is not exported."""

from verifier.catalogue.family import Family, LaneRule, Presence, Type, Unit
from verifier.catalogue.label import JOB_NAME


def _instant(name: str, help_: str, lanes: LaneRule) -> Family:
    return Family(
        name=f"landed_job_{name}_timestamp_seconds",
        type=Type.GAUGE,
        unit=Unit.SECONDS,
        help=help_,
        labels=(JOB_NAME,),
        lanes=lanes,
        presence=Presence.KNOWN,
    )


NEXT_DUE = _instant("next_due", "When the job is due next.", LaneRule.NONE)
LAST_DUE = _instant("last_due", "When the job was due last and was expected.", LaneRule.NONE)
LAST_CREATED = _instant(
    "last_created", "When an attempt of the job was made last, as far as told.", LaneRule.ALL
)
LAST_STARTED = _instant("last_started", "When an attempt of the job started last.", LaneRule.ALL)
LAST_SUCCESS = _instant(
    "last_success", "When an attempt of the job last reported success, true or not.", LaneRule.ALL
)
LAST_USEFUL_COMPLETION = _instant(
    "last_useful_completion",
    "When the work of the newest run whose effect is verified was done.",
    LaneRule.ALL,
)
LAST_VERIFIED_DUE = _instant(
    "last_verified_due", "When the newest run whose effect is verified was due.", LaneRule.ALL
)
USEFUL_COMPLETION_DUE = _instant(
    "useful_completion_due",
    "When the last useful completion becomes stale; absent while the job is muted, and for "
    "a job without a required check that can prove completion.",
    LaneRule.NONE,
)
REGISTERED = _instant("registered", "When the job was first declared.", LaneRule.NONE)
MUTED_UNTIL = _instant(
    "muted_until", "Until when nothing is expected of the job; absent unless muted.", LaneRule.NONE
)
OLDEST_RUNNING_START = _instant(
    "oldest_running_start", "When the longest running attempt started.", LaneRule.LIVE
)
OLDEST_RUNNING_HEARTBEAT = _instant(
    "oldest_running_heartbeat",
    "When the running attempt that is silent for longest was heard last.",
    LaneRule.LIVE,
)
OLDEST_RUNNING_PROGRESS = _instant(
    "oldest_running_progress",
    "When the running attempt that stands still for longest moved last; only of attempts "
    "that tell their progress.",
    LaneRule.LIVE,
)
OLDEST_UNCLAIMED_CREATED = _instant(
    "oldest_unclaimed_created",
    "When the attempt was made that waits for longest to be claimed or started.",
    LaneRule.LIVE,
)

TIMES = (
    NEXT_DUE,
    LAST_DUE,
    LAST_CREATED,
    LAST_STARTED,
    LAST_SUCCESS,
    LAST_USEFUL_COMPLETION,
    LAST_VERIFIED_DUE,
    USEFUL_COMPLETION_DUE,
    REGISTERED,
    MUTED_UNTIL,
    OLDEST_RUNNING_START,
    OLDEST_RUNNING_HEARTBEAT,
    OLDEST_RUNNING_PROGRESS,
    OLDEST_UNCLAIMED_CREATED,
)
