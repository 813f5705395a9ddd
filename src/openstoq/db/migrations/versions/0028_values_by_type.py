"""Run 0028_values_by_type.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0028_values_by_type"
down_revision = "0026_stands_for"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
