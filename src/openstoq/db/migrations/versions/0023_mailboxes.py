"""Run 0023_mailboxes.sql, the SQL file of this revision, and rename the locales of translations."""

from alembic import op
from sqlalchemy import text

from openstoq.db.migrate import run_sql_beside
from openstoq.kernel.places import locale_tag

revision = "0023_mailboxes"
down_revision = "0021_lanes"
phase = "pre"

# These tags were stored for iw, in and tl, which name no country.
_WITHOUT_COUNTRY = {"he-IL": "he", "id-ID": "id", "fil-PH": "fil"}


def upgrade() -> None:
    """Run the revision's SQL, and move translations to the locale tags that storefronts request.

    Where a translation already exists under the new tag, the one under the old tag is deleted.
    """
    run_sql_beside(__file__)
    bind = op.get_bind()
    for (old,) in bind.execute(text("SELECT DISTINCT locale FROM offer_translations")).all():
        names = {"old": old, "new": _WITHOUT_COUNTRY.get(old) or locale_tag(old) or old}
        if names["new"] != old:
            for statement in _RENAME:
                bind.execute(text(statement), names)


_RENAME = (
    """
    UPDATE offers o SET revision = revision + 1 WHERE EXISTS (
        SELECT FROM offer_translations t
        WHERE t.shop_id = o.shop_id AND t.offer_id = o.id AND t.locale = :old)
    """,
    """
    UPDATE offer_translations t SET locale = :new WHERE locale = :old AND NOT EXISTS (
        SELECT FROM offer_translations n
        WHERE n.shop_id = t.shop_id AND n.offer_id = t.offer_id AND n.locale = :new
          AND n.path = t.path)
    """,
    "DELETE FROM offer_translations WHERE locale = :old",
)
