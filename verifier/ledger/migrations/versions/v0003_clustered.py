"""Runs of a file lie in the order of their ids, found without a second look.

Attempts do not: their rows are long, and new ones are written faster side by side. A
table of PostgreSQL has no such layout, and nothing is changed there.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table again WITHOUT ROWID, with what is in it and its indexes."""
    if op.get_bind().dialect.name == "sqlite":
        _cluster("runs")


def _cluster(table: str) -> None:
    parts = sa.text(
        "SELECT sql FROM sqlite_master WHERE tbl_name = :of AND type = :kind AND sql IS NOT NULL"
    )
    found = {
        kind: list(op.get_bind().scalars(parts, {"of": table, "kind": kind}))
        for kind in ("table", "index")
    }
    (made,) = found["table"]
    if made.upper().rstrip().endswith("WITHOUT ROWID"):
        return
    op.rename_table(table, "before")
    op.execute(sa.text(_escaped(f"{made} WITHOUT ROWID")))
    op.execute(f"INSERT INTO {table} SELECT * FROM before ORDER BY 1")  # noqa: S608 - a name of ours
    op.drop_table("before")
    for index in found["index"]:
        op.execute(sa.text(_escaped(index)))


def _escaped(statement: str) -> str:
    """A colon in a stored statement names no parameter."""
    return statement.replace(":", "\\:")
