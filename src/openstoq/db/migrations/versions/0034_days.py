"""Run 0034_days.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0034_days"
down_revision = "0033_promised_effects"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
