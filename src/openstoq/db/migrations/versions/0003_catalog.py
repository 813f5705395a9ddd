"""Run 0003_catalog.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0003_catalog"
down_revision = "0002_queue"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
