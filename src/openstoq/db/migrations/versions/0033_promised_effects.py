"""Run 0033_promised_effects.sql beside it."""

from openstoq.db.migrate import run_sql_beside

revision = "0033_promised_effects"
down_revision = "0030_at_checkout"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
