"""Run 0036_refund_order.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0036_refund_order"
down_revision = "0035_shared_texts"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
