"""Figures that alerts rest on: one series a job, whatever replicas and scrapes do.

Every replica tells the same of the ledger, so replicas are joined by ``max``. While no
replica is scraped, the figures of the last evaluation are held for ``HOLD``: a restart of
the verifier ends no alert and starts none. While one is scraped nothing is held, and what
was gone before the gap stays gone: a job that was muted leaves no ghost behind. (The
usual ``last_over_time`` would bring it back.)
"""

from datetime import timedelta

from verifier.alerts.rule import Recording
from verifier.runs.verdict import Verdict

HOLD = timedelta(minutes=15)
"""How long figures outlive the verifier; VerifierAbsent has taken over long before."""

REMEMBER = timedelta(days=1)
"""How long a verifier that is gone is missed by its own labels."""

GRACE = timedelta(minutes=1)
"""How much later than planned a turn of a loop may be, beside the turns that it may miss."""

MISSED_TURNS = 5


def _held(name: str, now: str) -> str:
    hold = f"{HOLD.total_seconds():.0f}"
    return (
        f"{now}\n"
        "or\n"
        "(\n"
        f"  {name}\n"
        "  unless on () group by () (landed_build_info)\n"
        f"  and on () landed:verifier_seen_timestamp_seconds > time() - {hold}\n"
        ")"
    )


def _open_runs(verdict: Verdict) -> Recording:
    """Lanes are added up, replicas are not."""
    name = f"landed:runs_{verdict}"
    open_runs = f'landed_runs_open{{verdict="{verdict}"}}'
    return Recording(
        name=name,
        expr=_held(name, f"sum by (job_name) (max by (job_name, lane) ({open_runs}))"),
        why=f"runs that are {verdict} and wait for a person",
    )


VERIFIER_SEEN = Recording(
    name="landed:verifier_seen_timestamp_seconds",
    expr=(
        "time() * group by () (landed_build_info)\n"
        "or on ()\n"
        f"landed:verifier_seen_timestamp_seconds > time() - {REMEMBER.total_seconds():.0f}"
    ),
    why="when a verifier was last scraped",
)
_DUE = "landed:useful_completion_due_timestamp_seconds"
USEFUL_COMPLETION_DUE = Recording(
    name=_DUE,
    expr=_held(_DUE, "max by (job_name) (landed_job_useful_completion_due_timestamp_seconds)"),
    why="when the last verified result of a job becomes stale",
)
_EVER = "landed:ever_verified"
EVER_VERIFIED = Recording(
    name=_EVER,
    expr=_held(_EVER, "group by (job_name) (landed_job_last_useful_completion_timestamp_seconds)"),
    why="jobs that ever had a verified result",
)
RUNS_MISSING = _open_runs(Verdict.MISSING)
RUNS_AMBIGUOUS = _open_runs(Verdict.AMBIGUOUS)
RUNS_DUPLICATED = _open_runs(Verdict.DUPLICATED)
_FALSE = "landed:false_successes_open"
FALSE_SUCCESSES_OPEN = Recording(
    name=_FALSE,
    expr=_held(_FALSE, "max by (job_name) (landed_false_successes_open)"),
    why="open runs that reported success while their destination shows otherwise",
)
_REPLAYS = "landed:replays_over_unknown"
REPLAYS_OVER_UNKNOWN = Recording(
    name=_REPLAYS,
    expr=_held(
        _REPLAYS, 'max by (job_name) (landed_run_conditions{condition="replaying_unknown"})'
    ),
    why="runs that are being repeated while nobody knows what an earlier attempt left",
)
LOOP_INTERVAL = Recording(
    name="landed:loop_interval_seconds",
    expr="max by (loop) (landed_loop_interval_seconds)",
    why="the loops of the verifier",
)
LOOP_HUNG = Recording(
    name="landed:loop_hung",
    expr=(
        "landed:loop_interval_seconds\n"
        "unless on (loop)\n"
        "(\n"
        "  max by (loop) (landed_last_evaluation_timestamp_seconds)\n"
        f"  + on (loop) ({GRACE.total_seconds():.0f}"
        f" + {MISSED_TURNS} * landed:loop_interval_seconds)\n"
        "  > time()\n"
        ")"
    ),
    why="loops that completed no turn lately, or none at all",
)

RECORDINGS = (
    VERIFIER_SEEN,
    USEFUL_COMPLETION_DUE,
    EVER_VERIFIED,
    RUNS_MISSING,
    RUNS_AMBIGUOUS,
    RUNS_DUPLICATED,
    FALSE_SUCCESSES_OPEN,
    REPLAYS_OVER_UNKNOWN,
    LOOP_INTERVAL,
    LOOP_HUNG,
)
"""In the order in which they need each other."""
