"""Run 0014_unknown.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0014_unknown"
down_revision = "0013_policies"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
