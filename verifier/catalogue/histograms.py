"""Histograms of live attempts and runs.

Bounds are few, since a job has each of them: they tell apart what a person acts on.
"""

from verifier.catalogue import label
from verifier.catalogue.family import Family, LaneRule, Type, Unit


def _histogram(name: str, help_: str, unit: Unit, *buckets: float) -> Family:
    return Family(
        name=f"landed_{name}",
        type=Type.HISTOGRAM,
        unit=unit,
        help=help_,
        labels=(label.JOB_NAME,),
        lanes=LaneRule.LIVE,
        buckets=buckets,
    )


RUNTIME_TO_INTERVAL = _histogram(
    "runtime_to_interval_ratio",
    "Runtime of attempts that succeeded, as a part of the time between two slots.",
    Unit.RATIO,
    *(0.1, 0.25, 0.5, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0),
)
START_DELAY = _histogram(
    "start_delay_seconds", "Time from due to the first start of a run.", Unit.SECONDS, 60, 300
)
QUEUE_DELAY = _histogram(
    "queue_delay_seconds",
    "Time from an attempt's creation to its start, where the creation was told.",
    Unit.SECONDS,
    *(10, 60),
)
ATTEMPT_DURATION = _histogram(
    "attempt_duration_seconds",
    "Time from start to end of attempts whose end was told.",
    Unit.SECONDS,
    *(60, 600, 3600),
)
TIME_TO_VERDICT = _histogram(
    "time_to_verdict_seconds",
    "Time from a run's last end, or from when it should have started, to its first verdict.",
    Unit.SECONDS,
    *(60, 600),
)
ATTEMPTS_PER_RUN = _histogram(
    "attempts_per_run",
    "Attempts that a run had taken when it was first verified or reconciled.",
    Unit.NONE,
    *(1, 2),
)
CHECK_DURATION = Family(
    name="landed_check_duration_seconds",
    type=Type.HISTOGRAM,
    unit=Unit.SECONDS,
    help="Time that a check took to answer, by the store that it asked.",
    labels=(label.STORE,),
    lanes=LaneRule.LIVE,
    buckets=(0.01, 0.1, 1, 10),
)

HISTOGRAMS = (
    RUNTIME_TO_INTERVAL,
    START_DELAY,
    QUEUE_DELAY,
    ATTEMPT_DURATION,
    TIME_TO_VERDICT,
    ATTEMPTS_PER_RUN,
    CHECK_DURATION,
)
