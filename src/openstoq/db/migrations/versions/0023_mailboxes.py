"""Runs 0023_mailboxes.sql beside it."""

from openstoq.db.migrate import run_sql_beside

revision = "0023_mailboxes"
down_revision = "0021_lanes"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
