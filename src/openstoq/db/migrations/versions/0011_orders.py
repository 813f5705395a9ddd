"""Run 0011_orders.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0011_orders"
down_revision = "0010_offer_plans"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
