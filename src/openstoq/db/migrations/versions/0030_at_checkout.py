"""Run 0030_at_checkout.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0030_at_checkout"
down_revision = "0028_values_by_type"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
