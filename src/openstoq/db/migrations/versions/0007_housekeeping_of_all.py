"""Run 0007_housekeeping_of_all.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0007_housekeeping_of_all"
down_revision = "0006_offers"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
