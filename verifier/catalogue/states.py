"""How a job, its runs and its checks stand now."""

from verifier.catalogue import label
from verifier.catalogue.family import Family, LaneRule, Presence, Type, Unit

_JOB = label.JOB_NAME
_NO_BACKFILL = "a backfill cannot be planned yet"

JOB_INFO = Family(
    name="landed_job_info",
    type=Type.INFO,
    help="What the job is declared to be; always 1.",
    labels=(_JOB, label.SCHEDULER, label.JOB_CLASS, label.OVERLAP, label.EFFECTS, label.OWNER),
)
RUNS_OPEN = Family(
    name="landed_runs_open",
    type=Type.GAUGE,
    help="Runs whose verdict waits for a person: until they are verified, reconciled, skipped "
    "or acknowledged, or their job is removed.",
    labels=(_JOB, label.RUN_LANE, label.OPEN_VERDICT),
    lanes=LaneRule.SPLIT,
    presence=Presence.HELD,
)
RUNS_WAITING = Family(
    name="landed_runs_waiting",
    type=Type.GAUGE,
    help="Runs that are due and of which no attempt has started.",
    labels=(_JOB,),
    lanes=LaneRule.ALL,
)
FALSE_SUCCESSES_OPEN = Family(
    name="landed_false_successes_open",
    type=Type.GAUGE,
    help="Open runs that reported success while their destination shows otherwise.",
    labels=(_JOB,),
    lanes=LaneRule.ALL,
)
RUNS_ACKNOWLEDGED = Family(
    name="landed_runs_acknowledged",
    type=Type.GAUGE,
    help="Runs whose verdict a person has seen and not yet settled.",
    labels=(_JOB,),
    lanes=LaneRule.ALL,
    missing="a run cannot be acknowledged yet",
)
ATTEMPTS_ACTIVE = Family(
    name="landed_attempts_active",
    type=Type.GAUGE,
    help="Attempts that have started and not ended.",
    labels=(_JOB, label.ATTEMPT_LANE),
    lanes=LaneRule.SPLIT,
    presence=Presence.HELD,
)
RUN_CONDITIONS = Family(
    name="landed_run_conditions",
    type=Type.GAUGE,
    help="Runs without a verdict that are in a condition now.",
    labels=(_JOB, label.CONDITION),
    lanes=LaneRule.LIVE,
    presence=Presence.HELD,
)
ATTEMPTS_SINCE_USEFUL = Family(
    name="landed_attempts_since_useful_completion",
    type=Type.GAUGE,
    help="Attempts that started after the last useful completion, or ever where there was none.",
    labels=(_JOB,),
    lanes=LaneRule.ALL,
)
OLDEST_RUNNING_RATIO = Family(
    name="landed_oldest_running_interval_ratio",
    type=Type.GAUGE,
    unit=Unit.RATIO,
    help="Runtime so far of the longest running attempt, as a part of the time between two slots.",
    labels=(_JOB,),
    lanes=LaneRule.LIVE,
    presence=Presence.KNOWN,
)
RECENT_RATIO = Family(
    name="landed_runtime_to_interval_recent_ratio",
    type=Type.GAUGE,
    unit=Unit.RATIO,
    help="Quantiles of the last 50 runtimes, as a part of the time between two slots; absent "
    "under 5.",
    labels=(_JOB, label.QUANTILE),
    lanes=LaneRule.LIVE,
    presence=Presence.KNOWN,
)
BACKFILL_BACKLOG = Family(
    name="landed_backfill_backlog_runs",
    type=Type.GAUGE,
    unit=Unit.RUNS,
    help="Runs of planned backfills that are still to be made.",
    labels=(_JOB,),
    missing=_NO_BACKFILL,
)
BACKFILL_DONE = Family(
    name="landed_backfill_done_runs",
    type=Type.GAUGE,
    unit=Unit.RUNS,
    help="Runs of planned backfills that are verified.",
    labels=(_JOB,),
    missing=_NO_BACKFILL,
)
BACKFILL_COLLISIONS = Family(
    name="landed_backfill_live_collisions",
    type=Type.GAUGE,
    help="Backfill attempts that run beside a live attempt of the job.",
    labels=(_JOB,),
    missing=_NO_BACKFILL,
)
PARTITIONS = Family(
    name="landed_partitions",
    type=Type.GAUGE,
    help="Partitions of the newest run that has a verdict by its checks: fresh where it "
    "verified them, stale where something was amiss, unknown where nobody could tell.",
    labels=(_JOB, label.PARTITION_CLASS, label.PARTITION_STATE),
    presence=Presence.HELD,
)
SCOPE_KEYS = Family(
    name="landed_scope_keys",
    type=Type.GAUGE,
    help="Business keys of the newest live run that has a verdict by its checks, as counted "
    "by the check.",
    labels=(_JOB, label.CHECK, label.KEY_STATE),
    lanes=LaneRule.LIVE,
    presence=Presence.KNOWN,
)
CHECKS = Family(
    name="landed_checks",
    type=Type.GAUGE,
    help="Checks that the job declares.",
    labels=(_JOB,),
)
CHECK_RESULT = Family(
    name="landed_check_result",
    type=Type.GAUGE,
    help="1 for what the check answered about the newest live run that has a verdict by its "
    "checks.",
    labels=(_JOB, label.CHECK, label.RESULT),
    lanes=LaneRule.LIVE,
    presence=Presence.KNOWN,
    one_of="result",
)
CHECK_LAST_ANSWER = Family(
    name="landed_check_last_answer_timestamp_seconds",
    type=Type.GAUGE,
    unit=Unit.SECONDS,
    help="When the check last answered anything but unknown, about whichever run.",
    labels=(_JOB, label.CHECK),
    lanes=LaneRule.ALL,
    presence=Presence.KNOWN,
)

STATES = (
    JOB_INFO,
    RUNS_OPEN,
    RUNS_WAITING,
    FALSE_SUCCESSES_OPEN,
    RUNS_ACKNOWLEDGED,
    ATTEMPTS_ACTIVE,
    RUN_CONDITIONS,
    ATTEMPTS_SINCE_USEFUL,
    OLDEST_RUNNING_RATIO,
    RECENT_RATIO,
    BACKFILL_BACKLOG,
    BACKFILL_DONE,
    BACKFILL_COLLISIONS,
    PARTITIONS,
    SCOPE_KEYS,
    CHECKS,
    CHECK_RESULT,
    CHECK_LAST_ANSWER,
)
