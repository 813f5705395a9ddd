"""Run 0015_leases.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0015_leases"
down_revision = "0014_unknown"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
