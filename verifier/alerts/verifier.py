"""Alerts about the verifier itself and what it hears: who watches, when it cannot."""

from datetime import timedelta

from verifier.alerts.rule import Alert, Subject
from verifier.runs.contact import CLOCK_TOLERANCE

VERIFIER_ABSENT = Alert(
    name="VerifierAbsent",
    expr=(
        "landed:verifier_seen_timestamp_seconds\n"
        "unless on () group by () (landed_build_info)\n"
        "or\n"
        "absent(landed:verifier_seen_timestamp_seconds)"
    ),
    subject=Subject.VERIFIER,
    wait=timedelta(minutes=5),
    summary="No verifier is scraped: nobody watches the jobs.",
    description="Prometheus gets no figures of landed. No job can become stale in its eyes, and "
    "alerts of jobs end after 15 minutes.",
    meaning="No `landed serve` is scraped: it is down, cannot be reached, answers 503 because it "
    "has no figures yet, or the scrape configuration changed. Jobs run on, unwatched. "
    "Signals are kept by the wrappers and delivered later.",
    look=(
        "curl -s http://HOST:9877/readyz",
        "curl -s http://HOST:9877/metrics | head",
        "journalctl -u landed --since -1h",
    ),
    safe=(
        "Start it again. It catches up with what the wrappers kept before it judges anything, "
        "so that a run is not called missing for our own absence.",
        "Look at Prometheus' page of targets for why the scrape fails.",
    ),
    never=(
        "Do not take the silence of other alerts for good news while this one fires.",
        "Do not delete the ledger to make it start: history, verdicts and holds are in it.",
    ),
)
VERIFIER_HUNG = Alert(
    name="VerifierHung",
    expr="landed:loop_hung",
    subject=Subject.VERIFIER,
    wait=timedelta(minutes=2),
    summary="The verifier answers, and its loop {{ $labels.loop }} stands still.",
    description="The loop should turn every {{ $value | humanizeDuration }} and has not for "
    "far longer. The figures that are scraped are old.",
    meaning="A replica is scraped, but no replica has completed a turn of this loop for a minute "
    "and five turns. Mostly the ledger cannot be read or written, a disk is full, or the "
    "process is stuck. Figures that are scraped meanwhile are those of the last good turn.",
    look=(
        "curl -s http://HOST:9877/readyz",
        "curl -s http://HOST:9877/metrics | grep landed_last_evaluation",
        "journalctl -u landed --since -1h",
    ),
    safe=(
        "See that the ledger answers: its disk, its locks, its server.",
        "Restart the verifier. Nothing is lost: signals are acknowledged only once they are kept.",
    ),
    never=(
        "Do not trust a dashboard whose figures are older than this alert.",
        "Do not open the SQLite ledger with another tool that could hold a lock on it.",
    ),
)
SOURCE_SILENT = Alert(
    name="SourceSilent",
    expr="time() - max by (source) (landed_source_contact_due_timestamp_seconds) > 0",
    subject=Subject.SOURCE,
    wait=timedelta(minutes=5),
    summary="{{ $labels.source }} is not heard: what its jobs do is not known.",
    description="It should have been heard again {{ $value | humanizeDuration }} ago. None of its "
    "jobs is called missing meanwhile, so its quiet is no good news.",
    meaning="The scheduler behind this source cannot be read: it is down, its address, password "
    "or rights changed, or the network is away. Its jobs may well run. A source is heard by being "
    "asked, so one whose jobs run at night is not silent by day. What it keeps is read up once it "
    "is back, before anything is judged; what it does not keep leaves a blind window.",
    look=(
        "landed status",
        "landed doctor",
        "curl -s http://HOST:9877/v1/sources",
    ),
    safe=(
        "See in `landed status` why it cannot be heard, and mend that.",
        "Look at the destinations of its jobs, which are asked all the same: `landed verify JOB`.",
    ),
    never=(
        "Do not rerun its jobs because nothing was heard of them: they may have run.",
        "Do not remove the source from landed.yaml to end this: nothing would tell of its jobs.",
    ),
)
CLOCK_SKEW = Alert(
    name="ClockSkew",
    expr=(
        "max by (source) (abs(landed_source_clock_offset_seconds))"
        f" > {CLOCK_TOLERANCE.total_seconds():.0f}"
    ),
    subject=Subject.SOURCE,
    wait=timedelta(minutes=5),
    summary="The clock of {{ $labels.source }} is not landed's: its attempts may be taken for "
    "those of other runs.",
    description="The two clocks are {{ $value | humanizeDuration }} apart. What is said without "
    "a due instant goes to the run of the slot that its time falls into, and limits are counted "
    "by it.",
    meaning="The scheduler behind this source, or a worker of it, has another time than the host "
    "that landed runs on. Where an attempt says for which instant it was due, it is told of the "
    "right run all the same. Where not, a start is bound to a slot by its time, which may be the "
    "one before or after, and durations and delays are wrong by the difference. What is said "
    "more than 24 hours ahead is refused.",
    look=(
        "curl -s http://HOST:9877/v1/sources",
        "timedatectl status",
        "chronyc tracking",
    ),
    safe=(
        "See in `clock_offset_seconds` of the source whether it is ahead (above 0) or behind, "
        "and compare both hosts with a third one: it may be landed's clock that is wrong.",
        "Have both follow NTP, and let the clock be slewed, not set back at once.",
        "Then look at the runs of that time that are missing, or have two attempts: "
        "`landed runs --since 3d`. Close what was bound wrong with `landed act reconcile RUN "
        "--by WHO --reason WHY`.",
    ),
    never=(
        "Do not start runs that are called missing before you know that no other run of the job "
        "has their attempt.",
        "Do not set a clock back while jobs run: some would become due twice.",
    ),
)
HEARTBEAT = Alert(
    name="Heartbeat",
    expr="group by () (landed:loop_interval_seconds)\nunless on () landed:loop_hung",
    subject=Subject.NOBODY,
    summary="The verifier works. This alert fires always.",
    description="Route it to a dead man's switch outside of this Prometheus, which calls a person "
    "when it stops.",
    meaning="It fires while a verifier is scraped and all its loops turn. It is no trouble: that "
    "it stops is. Send it, and it alone, to a service that expects it every few minutes: "
    "that service notices when the verifier, Prometheus or Alertmanager is gone.",
    look=(
        "curl -s http://HOST:9877/metrics | grep landed_last_evaluation",
        "curl -s http://PROMETHEUS:9090/api/v1/alerts",
    ),
    safe=(
        "When the switch calls: see first whether Prometheus and Alertmanager run, then follow "
        "LandedVerifierAbsent and LandedVerifierHung.",
    ),
    never=("Do not silence it: a silenced heartbeat is a dead one.",),
)

VERIFIER_ALERTS = (SOURCE_SILENT, CLOCK_SKEW, VERIFIER_ABSENT, VERIFIER_HUNG, HEARTBEAT)
