"""How many partitions an evaluation of a run of all of them was about."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column; evaluations of before have no count."""
    op.add_column("evaluations", sa.Column("partitions", TEXT, nullable=True))
