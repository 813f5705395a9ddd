"""Run 0002_queue.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0002_queue"
down_revision = "0001_foundation"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
