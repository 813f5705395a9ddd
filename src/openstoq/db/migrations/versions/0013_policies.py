"""Run 0013_policies.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0013_policies"
down_revision = "0012_schedules"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
