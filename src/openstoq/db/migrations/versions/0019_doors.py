"""Run 0019_doors.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0019_doors"
down_revision = "0018_relay_faults"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
