"""Run 0004_back_in_stock.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0004_back_in_stock"
down_revision = "0003_catalog"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
