"""Alerts about jobs. Each is as loud as its job asks to be."""

from datetime import timedelta

from verifier.alerts.rule import Alert

_LATE = "time() - landed:useful_completion_due_timestamp_seconds > 0"
_VERIFIED_ONCE = "on (job_name) landed:ever_verified"
_STATUS = "landed status --job JOB"
_RUNS = "landed runs --job JOB --verdict {}"
_EXPLAIN = "landed explain RUN"
_PAST = "landed since 3d --job JOB"

USEFUL_COMPLETION_STALE = Alert(
    name="UsefulCompletionStale",
    expr=f"{_LATE}\nand {_VERIFIED_ONCE}",
    wait=timedelta(minutes=1),
    summary="{{ $labels.job_name }} has no verified result in time.",
    description="Its next verified result is late by {{ $value | humanizeDuration }}. Whatever "
    "the scheduler reports, nothing newer is proven to be there.",
    meaning="The newest run whose effect is verified is too old: the run after it should have "
    "been verified by now, with the calendar and `verified_within` of the job taken into "
    "account. The job may have run and even reported success; what counts is that its "
    "destination does not show the result, or that nobody could ask. A muted job never fires.",
    look=(_STATUS, _PAST, _EXPLAIN),
    safe=(
        "Follow the advice that `landed explain` gives for the newest run that is not verified: "
        "it takes into account what a repetition would do to the destination.",
        "If the destination was away and is back, ask again: `landed verify JOB`.",
        "If nothing is expected for a while, say so: `landed act mute JOB --until T --by WHO "
        "--reason WHY`. Damage is told all the same.",
    ),
    never=(
        "Do not start the job again merely because it is late: an attempt may still be writing.",
        "Do not take a green scheduler for a result.",
    ),
)
NEVER_VERIFIED = Alert(
    name="NeverVerified",
    expr=f"{_LATE}\nunless {_VERIFIED_ONCE}",
    wait=timedelta(minutes=1),
    summary="{{ $labels.job_name }} has never had a verified result.",
    description="Its first verified result is late by {{ $value | humanizeDuration }}, counted "
    "from its declaration.",
    meaning="Since the job was declared, no run of it was verified, and the first one should "
    "have been by now. For a new job that is mostly its declaration: a check that asks the "
    "wrong table, a store that refuses, a schedule that is not the scheduler's, or a job "
    "that landed hears nothing of.",
    look=("landed validate", "landed doctor", _STATUS, _PAST, _EXPLAIN),
    safe=(
        "Read what the checks answered: `unknown` with its reason names what could not be asked.",
        "If landed heard nothing, see that the job runs under `landed exec`, or tells by a ping.",
        "Correct the declaration: it counts for runs that fall due from then on. Have an older one "
        "judged by it with `landed act rejudge RUN --by WHO --reason WHY`, and ask again: `landed "
        "verify JOB --due T`.",
    ),
    never=(
        "Do not delete the check to make the alert go away: the job would then be unproven for "
        "ever, and nobody told.",
    ),
)
RUN_MISSING = Alert(
    name="RunMissing",
    expr="landed:runs_missing > 0",
    summary="{{ $labels.job_name }} did not run.",
    description="Runs that were due and never began: {{ $value }}. No attempt was heard, and where "
    "the destination could be asked it shows nothing.",
    verdict="missing",
    meaning="A run was due, its time to start has passed, landed was listening or has caught up, "
    "and no attempt of it was heard. Where the destination could be asked, it shows nothing "
    "of the run either.",
    look=(_RUNS.format("missing"), _EXPLAIN, _STATUS),
    safe=(
        "`landed explain` says where the chain broke: created, dispatched, claimed or started. "
        "Look there: the crontab, the scheduler, the queue, the worker.",
        "Where its advice is `run`, start the run, with its due instant, so that it counts for "
        "that run: `landed exec --job JOB --due T --lane rerun -- COMMAND`, with `--guard` where "
        "the job is under the guard.",
        "Where nobody needs it any more: `landed act skip RUN --by WHO --reason WHY`.",
    ),
    never=(
        "Do not run it by hand before you know that no queue still holds it.",
        "Do not run it without its due instant: it would be another run, and this one would "
        "stay missing.",
    ),
)
COMPLETION_AMBIGUOUS = Alert(
    name="CompletionAmbiguous",
    expr="landed:runs_ambiguous > 0",
    summary="Nobody can tell whether {{ $labels.job_name }} took effect.",
    description="Runs without a proof of either: {{ $value }}. Their attempts did not end well, "
    "and the destination could not be asked, or could not tell; or nobody could hear them.",
    verdict="ambiguous",
    meaning="An attempt was killed, lost or timed out, and what it left is unknown: there is no "
    "check that could tell, or the store did not answer. The effect may be there, whole, in "
    "part, or not at all. Or a run was due while nobody listened, what its job said then is lost, "
    "and the destination shows nothing: it may have run all the same.",
    look=(_RUNS.format("ambiguous"), _EXPLAIN),
    safe=(
        "Bring the store back if it is away, then ask again: `landed verify JOB --due T`.",
        "Else look at the destination yourself: `landed explain` ends in the SQL to paste.",
        "Where nobody could hear it, look at its scheduler and its own log: whether it ran.",
        "Close it when you know: `landed act reconcile RUN --by WHO --reason WHY`, with "
        "`--counts-as-useful` if the result is there.",
    ),
    never=(
        "Do not run it again on append or external effects before you know what is there: that "
        "is how things are paid twice.",
    ),
)
FALSE_SUCCESS = Alert(
    name="FalseSuccess",
    expr="landed:false_successes_open > 0",
    summary="{{ $labels.job_name }} reported success, and its destination shows otherwise.",
    description="Runs whose effect is absent, partial, duplicated or wrong despite their success: "
    "{{ $value }}. Whatever reads the result takes it for good.",
    meaning="The job exited 0 or the scheduler shows it green, and the destination, looked at "
    "twice, does not hold what was promised. Readers of the result do not know.",
    look=("landed runs --job JOB --since 3d", _EXPLAIN),
    safe=(
        "Tell the consumers that `landed explain` names, and stop them where that is possible.",
        "See what is missing or too much in the evidence of the checks, then follow the advice.",
        "Look for the cause in the job: an error that it swallows, a wrong day, an empty input.",
    ),
    never=(
        "Do not mark the run as good because the scheduler says so.",
        "Do not run it again before the advice allows: on append it doubles what is there.",
    ),
)
RUN_DUPLICATED = Alert(
    name="RunDuplicated",
    expr="landed:runs_duplicated > 0",
    summary="{{ $labels.job_name }} took effect more than once.",
    description="Runs that left business keys more than once: {{ $value }}. What is also missing "
    "stands in the evidence.",
    verdict="duplicated",
    meaning="A check that counts business keys found some more than once: two attempts both "
    "wrote, or one was repeated over its own work.",
    look=(_RUNS.format("duplicated"), _EXPLAIN),
    safe=(
        "Hold the job if another attempt is to come: `landed act hold JOB --by WHO --reason WHY`.",
        "Stop the readers of the result until it is repaired.",
        "Remove the surplus by hand or by the job's own repair, as the evidence lists it. On "
        "replace effects a rerun does it; under the guard, with `--mode repair`.",
        "Then ask again: `landed verify JOB --due T`.",
    ),
    never=(
        "Do not run it again on append or external effects: a third copy is no repair.",
        "Do not delete by a bare `distinct`: two equal rows may be two facts.",
    ),
)
REPLAY_OVER_UNKNOWN = Alert(
    name="ReplayOverUnknown",
    expr="landed:replays_over_unknown > 0",
    summary="{{ $labels.job_name }} is being repeated over an unknown effect.",
    description="Runs that are under way again while nobody knows what an earlier attempt left: "
    "{{ $value }}. Doing the work twice leaves two effects.",
    meaning="A new attempt started over one whose effect is unknown, on effects that append or "
    "leave the house (mail, money, calls to partners). It may be writing a second copy now.",
    look=(_STATUS, _EXPLAIN),
    safe=(
        "Stop the attempt now if it can be stopped before it writes; `landed explain` names its "
        "worker.",
        "Stop the retries of the scheduler, and `landed act hold JOB --by WHO --reason WHY`.",
        "Once everything has ended, ask the destination: `landed verify JOB --due T`.",
        "Put the job under the guard (`guard: {enabled: true}` and `landed exec --guard`), which "
        "refuses such a start.",
    ),
    never=(
        "Do not let it run and hope: what is sent cannot be taken back.",
        "Do not fence the earlier attempt before its process is really gone.",
    ),
)

JOB_ALERTS = (
    USEFUL_COMPLETION_STALE,
    NEVER_VERIFIED,
    RUN_MISSING,
    COMPLETION_AMBIGUOUS,
    FALSE_SUCCESS,
    RUN_DUPLICATED,
    REPLAY_OVER_UNKNOWN,
)
