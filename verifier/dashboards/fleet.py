"""The dashboard *Fleet*: all jobs, the worst first."""

from verifier.dashboards.panel import UP, Dashboard, Section, Target, Unit, lines, stat, table

_DUE = "max by (job_name) (landed_job_useful_completion_due_timestamp_seconds)"
_JOB = (("job_name", "job"),)
_CHECK = (*_JOB, ("check", "check"))
_OPEN = "max by (job_name, lane, verdict) (landed_runs_open)"
_RESULTS = "max by (job_name, check, result) (landed_check_result)"
_KEYS = "max by (job_name, check, state) (landed_scope_keys)"
_BAD_KEYS = (
    "max by (job_name, check, state) "
    '(landed_scope_keys{state=~"missing|duplicated|unexpected"}) > 0'
)
_LIMITS = ((0.0, "green"), (1.0, "red"))
_MOST = 20
"""Lines that can be told apart in one panel."""


def _or_none(expr: str) -> str:
    return f"{expr} or {UP}"


def _events(counter: str) -> str:
    return f"sum(max by (job_name) (increase({counter}[$__range])))"


def _rate(counter: str) -> str:
    return f"sum(max by (job_name) (increase({counter}[$__rate_interval])))"


_DUE_RUNS = "landed_runs_due_total"
_CREATED = "landed_runs_created_total"
_USEFUL = "landed_useful_completions_total"
_FALSE = "landed_false_successes_total"
_SUCCEEDED = (
    "sum(sum by (job_name) (max by (job_name, lane) "
    '(increase(landed_attempts_total{{outcome="succeeded"}}[{window}]))))'
)
_RUNNING = _or_none("sum(max by (job_name, lane) (landed_attempts_active))")

_STALE = Section(
    "Stale now",
    (
        table(
            "Stale now, and by how much",
            "Jobs whose next verified result is overdue, by their calendar and verified_within.",
            Target(f"sort_desc(time() - {_DUE} > 0)", "late by"),
            nothing="No job is stale, or no verifier is scraped",
            labels=_JOB,
            unit=Unit.SECONDS,
        ),
        stat(
            "Stale jobs",
            "How many jobs are stale. 0 only while a verifier is scraped.",
            _or_none(f"count(time() - {_DUE} > 0)"),
            height=8,
            limits=_LIMITS,
        ),
        stat(
            "Jobs without a limit",
            "Jobs that can never become stale: muted, or no required check can prove their work.",
            _or_none(
                "count(max by (job_name) (landed_job_registered_timestamp_seconds) "
                f"unless on (job_name) {_DUE})"
            ),
            height=8,
        ),
        stat(
            "Age of these figures",
            "How long ago the figures were true. It grows while the ledger is away.",
            'time() - max by (loop) (landed_last_evaluation_timestamp_seconds{loop="metrics"})',
            height=8,
            unit=Unit.SECONDS,
            limits=((0.0, "green"), (60.0, "red")),
        ),
    ),
)
_TRUTHS = Section(
    "Triggered, running, verified: separate truths",
    (
        stat("Due", "Runs that the schedules asked for, in the time shown.", _events(_DUE_RUNS)),
        stat("Triggered", "Runs of which an attempt was heard.", _events(_CREATED)),
        stat("Running now", "Attempts that have started and not ended.", _RUNNING),
        stat(
            "Reported success",
            "Attempts that said so. It proves nothing.",
            _SUCCEEDED.format(window="$__range"),
        ),
        stat("Verified", "Runs whose effect was seen at its destination.", _events(_USEFUL)),
        stat(
            "False successes",
            "Runs that reported success while their destination showed otherwise.",
            _events(_FALSE),
            limits=_LIMITS,
        ),
        lines(
            "Triggered, running, verified over time",
            "Side by side, since none of them follows from another.",
            Target(_rate(_DUE_RUNS), "due"),
            Target(_rate(_CREATED), "triggered"),
            Target(_RUNNING, "running"),
            Target(_SUCCEEDED.format(window="$__rate_interval"), "reported success"),
            Target(_rate(_USEFUL), "verified"),
            width=24,
        ),
    ),
)


def _instant(name: str) -> str:
    return f"1000 * max by (job_name) (landed_job_{name}_timestamp_seconds)"


_CHAIN = Section(
    "The chain: due, created, started, success, useful",
    (
        table(
            "Where each job's chain has come to",
            "The last time of each link. A link that is older than the one before it is where "
            "the chain broke.",
            Target(_instant("last_due"), "due"),
            Target(_instant("last_created"), "created"),
            Target(_instant("last_started"), "started"),
            Target(_instant("last_success"), "reported success"),
            Target(_instant("last_useful_completion"), "useful completion"),
            Target(_instant("next_due"), "due next"),
            nothing="No job is declared, or no verifier is scraped",
            labels=_JOB,
            width=24,
            unit=Unit.AGO,
        ),
    ),
)
_OPEN_VERDICTS = Section(
    "Open verdicts",
    (
        stat(
            "Runs that wait for a person",
            "Open runs by verdict, until they are verified, reconciled, skipped or acknowledged.",
            Target(f"sum by (verdict) ({_OPEN})", "{{verdict}}"),
            nothing="No run is open, or no verifier is scraped",
            width=12,
            height=8,
            limits=_LIMITS,
        ),
        table(
            "Open runs by job",
            "The jobs that they are of.",
            Target(f"sort_desc(sum by (job_name, verdict) ({_OPEN}))", "runs"),
            nothing="No run is open, or no verifier is scraped",
            labels=(*_JOB, ("verdict", "verdict")),
        ),
    ),
)
_CHECKS = Section(
    "Checks",
    (
        stat(
            "What the checks answered",
            "Checks by their answer about the newest live run of their job.",
            Target(f"sum by (result) ({_RESULTS})", "{{result}}"),
            nothing="No check has answered yet, or no verifier is scraped",
            height=8,
        ),
        table(
            "Checks that do not hold",
            "Violated, or unknown: the store could not be asked.",
            Target(
                "max by (job_name, check, result) "
                '(landed_check_result{result=~"violated|unknown"}) > 0',
                "checks",
            ),
            nothing="Every check holds, or no verifier is scraped",
            labels=(*_CHECK, ("result", "answer")),
            width=10,
        ),
        lines(
            "Answers of unknown, by what kept the check from telling",
            "An unknown answer is neither a pass nor a failure.",
            Target(
                "sum by (reason) (max by (job_name, reason) "
                "(increase(landed_check_unknown_total[$__rate_interval])))",
                "{{reason}}",
            ),
            width=10,
        ),
    ),
)
_SCOPE = Section(
    "Scope keys",
    (
        stat(
            "Business keys of the newest runs",
            "How many keys were expected and done, of all jobs that count keys.",
            Target(f"sum by (state) ({_KEYS})", "{{state}}"),
            nothing="No check has counted keys yet, or no verifier is scraped",
            width=12,
            height=8,
        ),
        table(
            "Keys that are missing or too much",
            "By check, of the newest live run that has a verdict by its checks.",
            Target(f"sort_desc({_BAD_KEYS})", "keys"),
            nothing="No key is missing or too much, or no verifier is scraped",
            labels=(*_CHECK, ("state", "keys that are")),
        ),
    ),
)
_NEAR = ((0.0, "green"), (0.8, "orange"), (1.0, "red"))
_RUNTIME = Section(
    "Runtime to interval",
    (
        lines(
            "Slow runs as a part of their interval",
            f"95th percentile of the last 50 runtimes; the {_MOST} highest. Above 1 a run is not "
            "over when the next one is due.",
            Target(
                f"topk({_MOST}, max by (job_name) "
                '(landed_runtime_to_interval_recent_ratio{quantile="0.95"}))',
                "{{job_name}}",
            ),
            nothing="No job has five live runtimes yet, or no verifier is scraped",
            unit=Unit.RATIO,
            limits=_NEAR,
        ),
        lines(
            "Running now, as a part of the interval",
            f"The longest running live attempt of each job; the {_MOST} highest.",
            Target(
                f"topk({_MOST}, max by (job_name) (landed_oldest_running_interval_ratio))",
                "{{job_name}}",
            ),
            nothing="Nothing runs, or no verifier is scraped",
            unit=Unit.RATIO,
            limits=_NEAR,
        ),
    ),
)
_VERIFIER = Section(
    "What the verifier hears",
    (
        table(
            "Sources",
            "How long each may still be silent before silence proves nothing; below 0 it is blind.",
            Target(
                "max by (source) (landed_source_contact_due_timestamp_seconds) - time()",
                "time left",
            ),
            nothing="No source was heard yet, or no verifier is scraped",
            labels=(("source", "source"),),
            width=8,
            unit=Unit.SECONDS,
        ),
        lines(
            "Signals taken",
            "By source, of all replicas together.",
            Target("sum by (source) (rate(landed_signals_total[$__rate_interval]))", "{{source}}"),
            width=8,
            unit=Unit.PER_SECOND,
        ),
        lines(
            "Signals refused",
            "By why, of all replicas together.",
            Target(
                "sum by (code) (rate(landed_signals_rejected_total[$__rate_interval])) > 0",
                "{{code}}",
            ),
            nothing="No signal was refused, or no verifier is scraped",
            width=8,
            unit=Unit.PER_SECOND,
        ),
    ),
)

FLEET = Dashboard(
    uid="landed-fleet",
    title="landed: Fleet",
    says="All jobs: what is stale now, what was triggered, ran and is verified, what waits for "
    "a person.",
    sections=(
        _STALE,
        _TRUTHS,
        _CHAIN,
        _OPEN_VERDICTS,
        _CHECKS,
        _SCOPE,
        _RUNTIME,
        _VERIFIER,
    ),
)
