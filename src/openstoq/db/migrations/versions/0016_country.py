"""Run 0016_country.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0016_country"
down_revision = "0015_leases"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
