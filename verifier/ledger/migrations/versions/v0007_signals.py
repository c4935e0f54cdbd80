"""A signal is found by its id and job, in this order: ids mostly grow with time.

New ones then come to the end of the index, instead of one to the place of each job. In a
file the log is written anew for that, which takes some seconds for a million signals.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the key anew."""
    with op.batch_alter_table("signals") as signals:
        signals.drop_constraint("signals_job_id", type_="unique")
        signals.create_unique_constraint("signals_id_job", ["id", "job"])
