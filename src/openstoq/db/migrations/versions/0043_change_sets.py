"""Run 0043_change_sets.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0043_change_sets"
down_revision = "0041_apart"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
