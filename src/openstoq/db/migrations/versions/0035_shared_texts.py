"""Run 0035_shared_texts.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0035_shared_texts"
down_revision = "0034_days"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
