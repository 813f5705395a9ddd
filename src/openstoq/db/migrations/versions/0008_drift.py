"""Run 0008_drift.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0008_drift"
down_revision = "0007_housekeeping_of_all"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
