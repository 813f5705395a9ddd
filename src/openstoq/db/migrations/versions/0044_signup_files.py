"""Run 0044_signup_files.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0044_signup_files"
down_revision = "0041_apart"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
