"""Run 0039_list_blocks.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0039_list_blocks"
down_revision = "0038_closed"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
