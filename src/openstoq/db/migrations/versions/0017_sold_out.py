"""Run 0017_sold_out.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0017_sold_out"
down_revision = "0016_country"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
