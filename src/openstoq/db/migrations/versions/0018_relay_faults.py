"""Run 0018_relay_faults.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0018_relay_faults"
down_revision = "0017_sold_out"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
