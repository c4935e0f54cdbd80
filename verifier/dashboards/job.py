"""The dashboard *Job*: one job, from what is stale to how long it takes."""

from verifier.dashboards.panel import (
    NO_VERIFIER,
    UP,
    Dashboard,
    Section,
    Target,
    Unit,
    lines,
    stat,
    table,
)

_OF = '{job_name="$job_name"}'
_LIMITS = ((0.0, "green"), (1.0, "red"))
_NEAR = ((0.0, "green"), (0.8, "orange"), (1.0, "red"))


def _with(matcher: str) -> str:
    return f'{{job_name="$job_name", {matcher}}}'


def _instant(name: str) -> str:
    return f"max by (job_name) (landed_job_{name}_timestamp_seconds{_OF})"


def _ago(name: str) -> str:
    return f"1000 * {_instant(name)}"


def _events(counter: str, window: str = "$__range") -> str:
    return f"max by (job_name) (increase({counter}{_OF}[{window}]))"


def _split(counter: str, label: str, window: str = "$__rate_interval") -> Target:
    """By ``label``, lanes added up and replicas not."""
    return Target(f"max by ({label}) (increase({counter}{_OF}[{window}])) > 0", f"{{{{{label}}}}}")


def _by_lane(counter: str, matcher: str, window: str) -> str:
    return f"sum(max by (lane) (increase({counter}{_with(matcher)}[{window}])))"


def _slow(histogram: str) -> str:
    return (
        f"histogram_quantile(0.95, max by (le) (increase({histogram}_bucket{_OF}[$__range]))) >= 0"
    )


_DUE = "useful_completion_due"
_RUNNING = f"sum(max by (lane) (landed_attempts_active{_OF})) or {UP}"

_STALE = Section(
    "Stale now",
    (
        stat(
            "Late by",
            "How long its next verified result is overdue; negative while there is time left.",
            f"time() - {_instant(_DUE)}",
            nothing="No limit: muted, not provable, or no verifier is scraped",
            width=6,
            unit=Unit.SECONDS,
            limits=_LIMITS,
        ),
        stat(
            "Stale from",
            "When the last verified result becomes stale.",
            _ago(_DUE),
            nothing="No limit: muted, not provable, or no verifier is scraped",
            unit=Unit.AGO,
        ),
        stat(
            "Last useful completion",
            "When the work of the newest verified run was done.",
            _ago("last_useful_completion"),
            nothing="Never verified, or no verifier is scraped",
            unit=Unit.AGO,
        ),
        stat(
            "Muted until",
            "Until then nothing is expected of it. Damage is told all the same.",
            _ago("muted_until"),
            nothing="Not muted",
            unit=Unit.AGO,
        ),
        table(
            "What it is declared to be",
            "From the configuration that the verifier has loaded.",
            Target(
                f"max by (scheduler, class, overlap, effects, owner) (landed_job_info{_OF})",
                "declared",
            ),
            nothing="Not declared, or no verifier is scraped",
            labels=(
                ("owner", "owner"),
                ("class", "class"),
                ("effects", "effects"),
                ("overlap", "overlap"),
                ("scheduler", "scheduler"),
            ),
            width=6,
        ),
    ),
)
_TRUTHS = Section(
    "Triggered, running, verified: separate truths",
    (
        stat("Due", "Runs that its schedule asked for.", _events("landed_runs_due_total")),
        stat("Triggered", "Runs that were heard of.", _events("landed_runs_created_total")),
        stat("Running now", "Attempts that have started and not ended.", _RUNNING),
        stat(
            "Reported success",
            "Attempts that said so. It proves nothing.",
            _by_lane("landed_attempts_total", 'outcome="succeeded"', "$__range"),
        ),
        stat(
            "Verified",
            "Runs whose effect was seen at its destination.",
            _events("landed_useful_completions_total"),
        ),
        stat(
            "False successes",
            "Runs that reported success while their destination showed otherwise.",
            _events("landed_false_successes_total"),
            limits=_LIMITS,
        ),
        lines(
            "Triggered, running, verified over time",
            "Side by side, since none of them follows from another.",
            Target(_events("landed_runs_due_total", "$__rate_interval"), "due"),
            Target(_events("landed_runs_created_total", "$__rate_interval"), "triggered"),
            Target(_RUNNING, "running"),
            Target(
                _by_lane("landed_attempts_total", 'outcome="succeeded"', "$__rate_interval"),
                "reported success",
            ),
            Target(_events("landed_useful_completions_total", "$__rate_interval"), "verified"),
            width=24,
        ),
    ),
)
_CHAIN = Section(
    "The chain: due, created, started, success, useful",
    tuple(
        stat(title, says, _ago(name), nothing=nothing, unit=Unit.AGO)
        for title, name, says, nothing in (
            ("Due", "last_due", "When it was due last.", "Not due yet"),
            ("Created", "last_created", "When an attempt was made last.", "Never told"),
            ("Started", "last_started", "When an attempt started last.", "Never started"),
            ("Success", "last_success", "When success was last reported.", "Never reported"),
            ("Useful", "last_useful_completion", "When work was last verified.", "Never verified"),
            ("Due next", "next_due", "When it is due next.", "Not due again"),
        )
    ),
)
_OPEN_VERDICTS = Section(
    "Open verdicts and conditions",
    (
        stat(
            "Runs that wait for a person",
            "Until they are verified, reconciled, skipped or acknowledged.",
            Target(
                f"sum by (verdict) (max by (lane, verdict) (landed_runs_open{_OF}))", "{{verdict}}"
            ),
            nothing="No run is open, or no verifier is scraped",
            width=8,
            height=8,
            limits=_LIMITS,
        ),
        lines(
            "Conditions",
            "What is noteworthy about live runs without a verdict.",
            Target(
                f"max by (condition) (landed_run_conditions{_OF})",
                "{{condition}}",
            ),
            nothing="Nothing is noteworthy, or no verifier is scraped",
            width=8,
        ),
        lines(
            "First verdicts",
            "Runs by their first verdict, of both lanes.",
            Target(
                "sum by (verdict) (max by (lane, verdict) "
                f"(increase(landed_runs_judged_total{_OF}[$__rate_interval]))) > 0",
                "{{verdict}}",
            ),
            nothing="No run was judged",
            width=8,
        ),
    ),
)
_CHECKS = Section(
    "Checks",
    (
        table(
            "What each check answered",
            "About the newest live run that has a verdict by its checks.",
            Target(f"max by (check, result) (landed_check_result{_OF}) > 0", "checks"),
            nothing="No check has answered yet",
            labels=(("check", "check"), ("result", "answer")),
            width=8,
        ),
        table(
            "When each check last could tell",
            "When it last answered anything but unknown, about whichever run.",
            Target(
                f"1000 * max by (check) (landed_check_last_answer_timestamp_seconds{_OF})",
                "last answer",
            ),
            nothing="No check could tell yet",
            labels=(("check", "check"),),
            width=8,
            unit=Unit.AGO,
        ),
        lines(
            "Answers of unknown",
            "By what kept the check from telling.",
            _split("landed_check_unknown_total", "reason"),
            nothing="Every check could tell",
            width=8,
        ),
    ),
)
_SCOPE = Section(
    "Scope keys",
    (
        lines(
            "Business keys of the newest run",
            "As counted by each check; expected and done should meet.",
            Target(
                f"max by (check, state) (landed_scope_keys{_OF})",
                "{{check}} {{state}}",
            ),
            nothing="No check has counted keys yet",
            width=24,
        ),
    ),
)
_RUNTIME = Section(
    "Runtime to interval",
    (
        lines(
            "Runtimes as a part of the interval",
            "Quantiles of the last 50 live runtimes, and the longest running attempt. Above 1 a "
            "run is not over when the next one is due.",
            Target(
                f"max by (quantile) (landed_runtime_to_interval_recent_ratio{_OF})",
                "quantile {{quantile}}",
            ),
            Target(f"max by (job_name) (landed_oldest_running_interval_ratio{_OF})", "running"),
            nothing="Under five live runtimes, and nothing runs",
            unit=Unit.RATIO,
            limits=_NEAR,
        ),
        stat(
            "Slow: runtime",
            "95th percentile of live runtimes in the time shown.",
            _slow("landed_attempt_duration_seconds"),
            nothing="No live attempt ended",
            height=8,
            unit=Unit.SECONDS,
        ),
        stat(
            "Slow: start",
            "95th percentile of the time from due to the first start.",
            _slow("landed_start_delay_seconds"),
            nothing="No live run started",
            height=8,
            unit=Unit.SECONDS,
        ),
        stat(
            "Slow: verdict",
            "95th percentile of the time from a run's last end to its first verdict.",
            _slow("landed_time_to_verdict_seconds"),
            nothing="No live run was judged",
            height=8,
            unit=Unit.SECONDS,
        ),
    ),
)
_EFFORT = Section(
    "Attempts",
    (
        lines(
            "How attempts ended",
            "As first told, of all lanes.",
            Target(
                "sum by (outcome) (max by (lane, outcome) "
                f"(increase(landed_attempts_total{_OF}[$__rate_interval]))) > 0",
                "{{outcome}}",
            ),
            nothing="No attempt ended",
            width=6,
        ),
        lines(
            "Retries",
            "By how the attempt before had ended.",
            _split("landed_retries_total", "reason"),
            nothing="Nothing was retried",
            width=6,
        ),
        lines(
            "The guard",
            "What it answered to attempts that asked.",
            _split("landed_guard_decisions_total", "decision"),
            nothing="Nobody asked the guard",
            width=6,
        ),
        stat(
            "Attempts since",
            "Attempts that started after the last useful completion.",
            f"max by (job_name) (landed_attempts_since_useful_completion{_OF})",
            nothing=NO_VERIFIER,
            width=3,
            height=8,
        ),
        stat(
            "Overlaps",
            "Attempts that started beside another against the policy, in the time shown.",
            _events("landed_overlap_violations_total"),
            width=3,
            height=8,
            limits=_LIMITS,
        ),
    ),
)

JOB = Dashboard(
    uid="landed-job",
    title="landed: Job",
    says="One job: whether its result is there in time, where its chain broke, what its checks "
    "saw, how close its runtime is to its interval.",
    sections=(
        _STALE,
        _TRUTHS,
        _CHAIN,
        _OPEN_VERDICTS,
        _CHECKS,
        _SCOPE,
        _RUNTIME,
        _EFFORT,
    ),
    of_job=True,
)
