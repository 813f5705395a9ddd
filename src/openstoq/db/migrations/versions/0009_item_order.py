"""Run 0009_item_order.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0009_item_order"
down_revision = "0008_drift"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
