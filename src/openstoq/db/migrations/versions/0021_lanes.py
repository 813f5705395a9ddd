"""Run 0021_lanes.sql, the SQL file of this revision."""

from openstoq.db.migrate import run_sql_beside

revision = "0021_lanes"
down_revision = "0020_item_faults"
phase = "pre"


def upgrade() -> None:
    """Apply the revision's SQL."""
    run_sql_beside(__file__)
