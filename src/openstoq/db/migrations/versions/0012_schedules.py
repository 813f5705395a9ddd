"""Run 0012_schedules.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0012_schedules"
down_revision = "0011_orders"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
