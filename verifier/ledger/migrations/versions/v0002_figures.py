"""What metrics are made of: every event counted once, and instants that never move back.

Of what happened before, nothing is counted: attempts that ended and runs that were
judged are marked as counted, so that later signals about them count nothing late.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns, tables and indexes, and fill them from what is known."""
    _attempts()
    _runs()
    _latest()
    op.create_index("tallies_job", "tallies", ["job"])
    op.create_table(
        "changes",
        _column("job", TEXT, primary_key=True),
        _column("number", sa.Integer),
    )


def _attempts() -> None:
    op.execute("ALTER TABLE attempts RENAME COLUMN counted TO was_counted")
    op.add_column("attempts", _column("counted", TEXT, server_default="{}"))
    attempts = sa.table("attempts", sa.column("counted"), sa.column("was_counted", sa.Boolean))
    marks = '{"ended":1,"lasted":1,"queued":1,"ran":1}'
    op.execute(attempts.update().where(attempts.c.was_counted).values(counted=marks))
    op.drop_column("attempts", "was_counted")
    op.add_column("attempts", sa.Column("interval_ratio", sa.Double, nullable=True))
    op.create_index(
        "attempts_unended",
        "attempts",
        ["job"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _runs() -> None:
    op.add_column("runs", _column("counted", TEXT, server_default="{}"))
    judged = sa.column("first_judged_at").is_not(None)
    verdict = sa.column("verdict", sa.Text)
    runs = sa.table("runs", sa.column("counted", sa.Text))
    marks: sa.ColumnElement[str] = sa.literal('{"created":1,"decided":1,"judged":1')
    for event, happened in (
        ("doubted", verdict == "ambiguous"),
        ("lied", sa.column("false_success", sa.Boolean)),
        ("missed", verdict == "missing"),
        ("served", sa.column("useful", sa.Boolean)),
        ("settled", verdict.in_(("verified", "reconciled"))),
    ):
        marks = marks + sa.case((happened, f',"{event}":1'), else_="")
    op.execute(runs.update().where(judged).values(counted=marks + ',"started":1}'))
    op.create_index(
        "runs_undecided",
        "runs",
        ["job", "at"],
        sqlite_where=sa.text("state != 'judged'"),
        postgresql_where=sa.text("state != 'judged'"),
    )


def _latest() -> None:
    op.create_table(
        "latest",
        _column("what", TEXT, primary_key=True),
        _column("subject", TEXT, primary_key=True),
        _column("detail", TEXT, primary_key=True),
        _column("at", sa.BigInteger),
    )
    op.create_index("latest_subject", "latest", ["subject"])
    latest = sa.table("latest", *map(sa.column, ("what", "subject", "detail", "at")))
    signals = sa.table("signals", *map(sa.column, ("job", "attempt", "at")))
    attempts = sa.table("attempts", *map(sa.column, ("job", "state", "started_at", "ended_at")))
    for what, job, instant, which in (
        ("created", signals.c.job, signals.c.at, signals.c.attempt != ""),
        ("started", attempts.c.job, attempts.c.started_at, sa.true()),
        ("succeeded", attempts.c.job, attempts.c.ended_at, attempts.c.state == "succeeded"),
    ):
        found = (
            sa.select(sa.literal(what), job, sa.literal(""), sa.func.max(instant))
            .where(which, instant.is_not(None))
            .group_by(job)
        )
        op.execute(latest.insert().from_select(["what", "subject", "detail", "at"], found))


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, **{"nullable": False, **options})
