"""Run 0037_locations.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0037_locations"
down_revision = "0036_refund_order"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
