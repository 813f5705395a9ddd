"""Run 0024_counted.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0024_counted"
down_revision = "0023_mailboxes"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
