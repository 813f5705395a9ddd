"""Run 0045_templates.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0045_templates"
down_revision = "0044_signup_files"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
