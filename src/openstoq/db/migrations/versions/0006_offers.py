"""Run 0006_offers.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0006_offers"
down_revision = "0005_housekeeping"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
