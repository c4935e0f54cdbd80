"""What one of several processes does alone, and who does it now."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table; nobody holds anything yet."""
    op.create_table(
        "leases",
        _column("name", TEXT, primary_key=True),
        _column("holder", TEXT),
        _column("token", sa.BigInteger),
        _column("beat", sa.BigInteger),
        _column("at", sa.BigInteger),
    )


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, **{"nullable": False, **options})
