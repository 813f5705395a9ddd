"""Run 0026_stands_for.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0026_stands_for"
down_revision = "0025_publication"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
