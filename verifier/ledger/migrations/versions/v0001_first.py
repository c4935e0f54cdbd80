"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_ROOM = {"fillfactor": 80}
SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make every table; instants are whole microseconds since the epoch."""
    op.create_table(
        "meta",
        _column("ledger_id", TEXT, primary_key=True),
        _column("created_at", sa.BigInteger),
    )
    op.create_table(
        "signals",
        _column("seq", SERIAL, primary_key=True),
        _column("job", TEXT),
        _column("id", TEXT),
        _column("kind", TEXT),
        _column("at", sa.BigInteger),
        _column("partition", TEXT),
        _column("attempt", TEXT),
        _column("anonymous", sa.Boolean),
        _column("source", TEXT),
        _column("received_at", sa.BigInteger),
        _column("body", TEXT),
        sa.UniqueConstraint("job", "id", name="signals_job_id"),
    )
    _where("signals_anonymous", "signals", "anonymous", ["job", "partition", "at", "id"])
    _where("signals_anonymous_attempt", "signals", "anonymous", ["job", "attempt"])
    op.create_table(
        "attempts",
        _column("id", TEXT, primary_key=True),
        _column("job", TEXT),
        _column("attempt", TEXT),
        _column("run_id", TEXT, nullable=True),
        _column("lane", TEXT),
        _column("state", TEXT),
        _column("started_at", sa.BigInteger, nullable=True),
        _column("ended_at", sa.BigInteger, nullable=True),
        _column("worker", TEXT, nullable=True),
        _column("counted", sa.Boolean),
        _column("body", TEXT),
        postgresql_with=_ROOM,
    )
    op.create_index("attempts_run", "attempts", ["run_id"])
    op.create_index("attempts_state", "attempts", ["job", "state", "ended_at"])
    op.create_index("attempts_started", "attempts", ["job", "started_at"])
    _runs()
    _judgement()
    op.create_table(
        "declarations",
        _column("seq", SERIAL, primary_key=True),
        _column("job", TEXT),
        _column("valid_from", sa.BigInteger),
        _column("declaration", TEXT, nullable=True),
        _column("document", TEXT, nullable=True),
        sa.UniqueConstraint("job", "valid_from", name="declarations_job_valid_from"),
    )
    op.create_table(
        "tallies",
        _column("family", TEXT, primary_key=True),
        _column("job", TEXT, primary_key=True),
        _column("labels", TEXT, primary_key=True),
        _column("value", sa.Double),
    )
    op.create_table(
        "blind_windows",
        _column("source", TEXT, primary_key=True),
        _column("since", sa.BigInteger, primary_key=True),
        _column("until", sa.BigInteger, nullable=True),
        _column("caught_up_at", sa.BigInteger, nullable=True),
    )
    op.create_table(
        "cursors",
        _column("name", TEXT, primary_key=True),
        _column("position", TEXT),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        _column("run_id", TEXT, primary_key=True),
        _column("job", TEXT),
        _column("occurrence", TEXT),
        _column("partition", TEXT),
        _column("whole_id", TEXT, nullable=True),
        _column("due", sa.BigInteger, nullable=True),
        _column("at", sa.BigInteger),
        _column("lane", TEXT),
        _column("expected", sa.Boolean),
        _column("skipped", TEXT, nullable=True),
        _column("state", TEXT),
        _column("verdict", TEXT, nullable=True),
        _column("reported", TEXT),
        _column("effect", TEXT),
        _column("false_success", sa.Boolean),
        _column("open", sa.Boolean),
        _column("useful", sa.Boolean),
        _column("completed_at", sa.BigInteger, nullable=True),
        _column("first_judged_at", sa.BigInteger, nullable=True),
        _column("judged_at", sa.BigInteger, nullable=True),
        _column("evaluation_id", TEXT, nullable=True),
        _column("wake_at", sa.BigInteger, nullable=True),
        _column("revision", sa.Integer),
        postgresql_with=_ROOM,
    )
    op.create_index("runs_at", "runs", ["at", "run_id"])
    op.create_index("runs_job_at", "runs", ["job", "at", "run_id"])
    op.create_index("runs_wake", "runs", ["wake_at"])
    op.create_index(
        "runs_whole",
        "runs",
        ["whole_id"],
        sqlite_where=sa.text("whole_id IS NOT NULL"),
        postgresql_where=sa.text("whole_id IS NOT NULL"),
    )
    _where("runs_open", "runs", "open", ["job", "verdict"])
    _where("runs_useful", "runs", "useful", ["job", "partition", "due"])


def _judgement() -> None:
    op.create_table(
        "evaluations",
        _column("evaluation_id", TEXT, primary_key=True),
        _column("run_id", TEXT),
        _column("cause", TEXT),
        _column("started_at", sa.BigInteger),
        _column("finished_at", sa.BigInteger),
        _column("results", TEXT),
    )
    op.create_index("evaluations_run", "evaluations", ["run_id", "started_at"])
    op.create_table(
        "revisions",
        _column("run_id", TEXT, primary_key=True),
        _column("revision", sa.Integer, primary_key=True),
        _column("was", TEXT, nullable=True),
        _column("became", TEXT, nullable=True),
        _column("at", sa.BigInteger),
        _column("evaluation_id", TEXT, nullable=True),
        _column("cause", TEXT),
    )
    op.create_table(
        "actions",
        _column("action_id", TEXT, primary_key=True),
        _column("job", TEXT),
        _column("run_id", TEXT, nullable=True),
        _column("kind", TEXT),
        _column("at", sa.BigInteger),
        _column("body", TEXT),
    )
    op.create_index("actions_job", "actions", ["job"])
    op.create_index("actions_run", "actions", ["run_id"])
    op.create_table(
        "guard_decisions",
        _column("job", TEXT, primary_key=True),
        _column("attempt", TEXT, primary_key=True),
        _column("run_id", TEXT),
        _column("at", sa.BigInteger),
        _column("decision", TEXT),
        _column("why", TEXT),
        _column("override_by", TEXT, nullable=True),
    )
    op.create_index("guard_decisions_run", "guard_decisions", ["run_id"])


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, **{"nullable": False, **options})


def _where(name: str, table: str, flag: str, columns: list[str]) -> None:
    op.create_index(
        name,
        table,
        columns,
        sqlite_where=sa.text(f"{flag} = 1"),
        postgresql_where=sa.text(flag),
    )
