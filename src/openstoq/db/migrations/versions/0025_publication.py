"""Run 0025_publication.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0025_publication"
down_revision = "0024_counted"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
