"""Run 0033_promised_effects.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0033_promised_effects"
down_revision = "0031_contact_email"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
