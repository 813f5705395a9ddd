"""Run 0010_offer_plans.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0010_offer_plans"
down_revision = "0009_item_order"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
