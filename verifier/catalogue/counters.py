"""Counters of a job's events: each event counts once, and nothing is ever taken back."""

from verifier.catalogue import label
from verifier.catalogue.family import Family, LaneRule, Type


def _counter(name: str, help_: str, *labels: label.Label, lanes: LaneRule = LaneRule.ALL) -> Family:
    return Family(
        name=f"landed_{name}_total",
        type=Type.COUNTER,
        help=help_,
        labels=(label.JOB_NAME, *labels),
        lanes=lanes,
    )


RUNS_DUE = _counter("runs_due", "Runs that the schedule asked for.", lanes=LaneRule.LIVE)
RUNS_CREATED = _counter("runs_created", "Runs of which a first attempt was heard.")
RUNS_MISSING = _counter("runs_missing", "Runs that were found missing.", lanes=LaneRule.LIVE)
RUNS_JUDGED = _counter(
    "runs_judged",
    "Runs by their first verdict.",
    label.RUN_LANE,
    label.VERDICT,
    lanes=LaneRule.SPLIT,
)
AMBIGUOUS_COMPLETIONS = _counter(
    "ambiguous_completions", "Runs of which nobody could tell whether they had taken effect."
)
FALSE_SUCCESSES = _counter(
    "false_successes", "Runs that reported success while their destination showed otherwise."
)
USEFUL_COMPLETIONS = _counter(
    "useful_completions", "Runs whose effect was verified, or that a person counted as useful."
)
ATTEMPTS = _counter(
    "attempts",
    "Attempts by how they ended, as first told.",
    label.ATTEMPT_LANE,
    label.OUTCOME,
    lanes=LaneRule.SPLIT,
)
RETRIES = _counter(
    "retries",
    "Live attempts after the first of their run, by how the one before had ended.",
    label.RETRY_REASON,
    lanes=LaneRule.LIVE,
)
OVERLAP_VIOLATIONS = _counter(
    "overlap_violations", "Attempts that started beside another against the job's overlap policy."
)
VERDICT_REVISIONS = _counter(
    "verdict_revisions", "Verdicts that later facts changed for another.", label.DIRECTION
)
GUARD_DECISIONS = _counter(
    "guard_decisions", "Answers of the guard to attempts that asked.", label.DECISION
)
CHECK_UNKNOWN = _counter(
    "check_unknown",
    "Answers of unknown, by what kept the check from telling.",
    label.UNKNOWN_REASON,
)

COUNTERS = (
    RUNS_DUE,
    RUNS_CREATED,
    RUNS_MISSING,
    RUNS_JUDGED,
    AMBIGUOUS_COMPLETIONS,
    FALSE_SUCCESSES,
    USEFUL_COMPLETIONS,
    ATTEMPTS,
    RETRIES,
    OVERLAP_VIOLATIONS,
    VERDICT_REVISIONS,
    GUARD_DECISIONS,
    CHECK_UNKNOWN,
)
