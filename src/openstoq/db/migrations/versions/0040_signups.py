"""Run 0040_signups.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0040_signups"
down_revision = "0039_list_blocks"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
