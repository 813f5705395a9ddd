"""Run 0041_apart.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0041_apart"
down_revision = "0040_signups"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
