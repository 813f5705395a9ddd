"""Run 0031_contact_email.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0031_contact_email"
down_revision = "0030_at_checkout"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
