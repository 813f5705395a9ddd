"""Run 0020_item_faults.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0020_item_faults"
down_revision = "0019_doors"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
