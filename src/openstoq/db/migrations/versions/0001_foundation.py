"""Run 0001_foundation.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0001_foundation"
down_revision = None
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
