"""The tables of the ledger, as queries see them; ``migrations`` makes them.

No index covers a column that a heartbeat changes. New rows land at the end of a table:
signals and attempts by arrival, runs by due instant.

The conditions of partial indexes stand here in the words of SQLite; those of PostgreSQL,
and the room in its pages, are in the migrations alone. To name an option of its dialect
loads all of it, in every command on every ledger.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    literal_column,
    text,
)

from verifier.ledger.types import Instant, Json, RunLane, Text, What, Word
from verifier.runs.action import Action, ActionKind
from verifier.runs.attempt import Attempt, Told
from verifier.runs.declaration import Declaration
from verifier.runs.evaluation import Cause, CheckResult, Effect, PartitionCount
from verifier.runs.guard import Decision
from verifier.runs.lifecycle import AttemptState
from verifier.runs.reported import Reported
from verifier.runs.signal import Kind, Lane, Signal
from verifier.runs.verdict import RunState, Verdict

VERSION_TABLE = "schema_version"
"""Where Alembic keeps which migration was the last."""

metadata = MetaData()

_SERIAL = BigInteger().with_variant(Integer, "sqlite")


def _column(name: str, kind: Any, **options: Any) -> Column[Any]:
    return Column(name, kind, **{"nullable": False, **options})


def _where(name: str, table: Table, flag: str, *columns: str) -> None:
    """An index of the rows whose ``flag`` is set, in the words that queries use."""
    Index(
        name,
        *(table.c[column] for column in columns),
        sqlite_where=text(f"{flag} = 1"),
    )


meta = Table(
    "meta",
    metadata,
    _column("ledger_id", Text, primary_key=True),
    _column("created_at", Instant),
)

signals = Table(
    "signals",
    metadata,
    _column("seq", _SERIAL, primary_key=True),
    _column("job", Text),
    _column("id", Text),
    _column("kind", Word(Kind)),
    _column("at", Instant),
    _column("partition", Text),  # "" where the signal names none
    _column("attempt", Text),  # bound: "" for a fact of the run, not of an attempt
    _column("anonymous", Boolean),  # it names no attempt, and ``attempt`` may change
    _column("source", Text),
    _column("received_at", Instant),
    _column("body", Json(Signal)),
    UniqueConstraint("id", "job", name="signals_id_job"),
)
_where("signals_anonymous", signals, "anonymous", "job", "partition", "at", "id")
_where("signals_anonymous_attempt", signals, "anonymous", "job", "attempt")

attempts = Table(
    "attempts",
    metadata,
    _column("id", Text, primary_key=True),  # job/attempt: many are asked for at once
    _column("job", Text),
    _column("attempt", Text),
    _column("run_id", Text, nullable=True),  # None while only an inferred loss is known
    _column("lane", Word(Lane)),
    _column("state", Word(AttemptState)),
    _column("started_at", Instant, nullable=True),
    _column("ended_at", Instant, nullable=True),
    _column("worker", Text, nullable=True),
    _column("body", Json(Attempt)),
    _column("counted", Json(dict[str, int]), server_default="{}"),  # of its events, by name
    _column("interval_ratio", Double, nullable=True),  # runtime to time between two slots
    Index("attempts_run", "run_id"),
    Index("attempts_state", "job", "state", "ended_at"),
    Index("attempts_started", "job", "started_at"),
)

Index(
    "attempts_unended",
    attempts.c.job,
    sqlite_where=attempts.c.ended_at.is_(None),
)

runs = Table(
    "runs",
    metadata,
    _column("run_id", Text, primary_key=True),
    _column("job", Text),
    _column("occurrence", Text),
    _column("partition", Text),
    _column("whole_id", Text, nullable=True),  # of one partition: the whole job's run
    _column("due", Instant, nullable=True),
    _column("at", Instant),  # due; for a run without a slot its first signal
    _column("lane", Word(RunLane)),
    _column("expected", Boolean),
    _column("skipped", Json(Told[str]), nullable=True),
    _column("state", Word(RunState)),
    _column("verdict", Word(Verdict), nullable=True),
    _column("reported", Word(Reported)),
    _column("effect", Word(Effect)),
    _column("false_success", Boolean),
    _column("open", Boolean),
    _column("useful", Boolean),
    _column("completed_at", Instant, nullable=True),
    _column("first_judged_at", Instant, nullable=True),
    _column("judged_at", Instant, nullable=True),
    _column("evaluation_id", Text, nullable=True),
    _column("wake_at", Instant, nullable=True),
    _column("revision", Integer),  # raised by every update, which names the one it read
    _column("counted", Json(dict[str, int]), server_default="{}"),  # of its events, by name
    Index("runs_at", "at", "run_id"),
    Index("runs_job_at", "job", "at", "run_id"),
    Index("runs_wake", "wake_at"),
    sqlite_with_rowid=False,
)
Index(
    "runs_whole",
    runs.c.whole_id,
    sqlite_where=runs.c.whole_id.is_not(None),
)
UNDECIDED = runs.c.state != literal_column("'judged'")
"""Whether a run has no verdict, in the words of the index of those runs."""

Index(
    "runs_undecided",
    runs.c.job,
    runs.c.lane,
    runs.c.at,
    runs.c.state,
    sqlite_where=text("state != 'judged'"),
)
_where("runs_open", runs, "open", "job", "verdict")
_where("runs_useful", runs, "useful", "job", "partition", "due")

declarations = Table(
    "declarations",
    metadata,
    _column("seq", _SERIAL, primary_key=True),
    _column("job", Text),
    _column("valid_from", Instant),
    _column("declaration", Json(Declaration), nullable=True),  # None: retired
    _column("document", Json(dict[str, Any]), nullable=True),
    UniqueConstraint("job", "valid_from", name="declarations_job_valid_from"),
)

evaluations = Table(
    "evaluations",
    metadata,
    _column("evaluation_id", Text, primary_key=True),
    _column("run_id", Text),
    _column("cause", Word(Cause)),
    _column("started_at", Instant),
    _column("finished_at", Instant),
    _column("results", Json(tuple[CheckResult, ...])),
    _column("partitions", Json(PartitionCount), nullable=True),
    Index("evaluations_run", "run_id", "started_at"),
)

revisions = Table(
    "revisions",
    metadata,
    _column("run_id", Text, primary_key=True),
    _column("revision", Integer, primary_key=True),
    _column("was", Word(Verdict), nullable=True),
    _column("became", Word(Verdict), nullable=True),
    _column("at", Instant),
    _column("evaluation_id", Text, nullable=True),
    _column("cause", Text),
)

actions = Table(
    "actions",
    metadata,
    _column("action_id", Text, primary_key=True),
    _column("job", Text),
    _column("run_id", Text, nullable=True),
    _column("kind", Word(ActionKind)),
    _column("at", Instant),
    _column("body", Json(Action)),
    Index("actions_job", "job"),
    Index("actions_run", "run_id"),
)

guard_decisions = Table(
    "guard_decisions",
    metadata,
    _column("job", Text, primary_key=True),
    _column("attempt", Text, primary_key=True),
    _column("run_id", Text),
    _column("at", Instant),
    _column("decision", Word(Decision)),
    _column("why", Text),
    _column("override_by", Text, nullable=True),
    Index("guard_decisions_run", "run_id"),
)

tallies = Table(
    "tallies",
    metadata,
    _column("family", Text, primary_key=True),
    _column("job", Text, primary_key=True),
    _column("labels", Json(dict[str, str]), primary_key=True),
    _column("value", Double),
    Index("tallies_job", "job"),
)

latest = Table(
    "latest",
    metadata,
    _column("what", Word(What), primary_key=True),
    _column("subject", Text, primary_key=True),  # a job or a source
    _column("detail", Text, primary_key=True),
    _column("at", Instant),
    Index("latest_subject", "subject"),
)

changes = Table(
    "changes",
    metadata,
    _column("job", Text, primary_key=True),
    _column("number", Integer),  # raised by every transaction that may change the job's figures
)

blind_windows = Table(
    "blind_windows",
    metadata,
    _column("source", Text, primary_key=True),
    _column("since", Instant, primary_key=True),
    _column("until", Instant, nullable=True),  # None: still blind
    _column("caught_up_at", Instant, nullable=True),  # None: silence proves nothing yet
)

cursors = Table(
    "cursors",
    metadata,
    _column("name", Text, primary_key=True),
    _column("position", Text),
)

leases = Table(
    "leases",
    metadata,
    _column("name", Text, primary_key=True),
    _column("holder", Text),  # "" for nobody
    _column("token", BigInteger),  # raised whenever somebody takes it
    _column("beat", BigInteger),  # raised whenever the holder renews it
    _column("at", Instant),
)
