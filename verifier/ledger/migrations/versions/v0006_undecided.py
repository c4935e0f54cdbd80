"""Runs without a verdict are found by their lane, and counted by their state, in the index alone.

There may be very many of them for a while, of a lane that is not asked for.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index anew."""
    undecided = sa.text("state != 'judged'")
    op.drop_index("runs_undecided", "runs", if_exists=True)
    op.create_index(
        "runs_undecided",
        "runs",
        ["job", "lane", "at", "state"],
        sqlite_where=undecided,
        postgresql_where=undecided,
    )
