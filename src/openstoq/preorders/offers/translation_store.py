"""The translations of offers' texts in PostgreSQL."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from openstoq.db.pool import Connection


async def overrides(
    db: Connection, shop_id: UUID, offer_ids: Sequence[UUID]
) -> dict[UUID, dict[str, dict[str, str]]]:
    """Return the offers' translations, by offer, locale and path."""
    rows = await db.fetch(
        """
        SELECT offer_id, locale, path, value FROM offer_translations
        WHERE shop_id = $1 AND offer_id = ANY($2) ORDER BY offer_id, locale, path
        """,
        shop_id,
        offer_ids,
    )
    found: dict[UUID, dict[str, dict[str, str]]] = {offer_id: {} for offer_id in offer_ids}
    for row in rows:
        found[row["offer_id"]].setdefault(row["locale"], {})[row["path"]] = row["value"]
    return found


async def write(
    db: Connection, shop_id: UUID, offer_id: UUID, locale: str, texts: Mapping[str, str]
) -> None:
    """Write an offer's texts in one locale, given by path; other texts stay as they are."""
    await db.execute(
        """
        INSERT INTO offer_translations (shop_id, offer_id, locale, path, value)
        SELECT $1, $2, $3, t.* FROM unnest($4::text[], $5::text[]) AS t
        ON CONFLICT (shop_id, offer_id, locale, path) DO UPDATE SET value = excluded.value
        """,
        shop_id,
        offer_id,
        locale,
        list(texts),
        list(texts.values()),
    )


async def delete(
    db: Connection, shop_id: UUID, offer_id: UUID, locale: str, paths: Sequence[str] | None
) -> None:
    """Delete a locale's texts at these paths.

    If `paths` is None, all texts of the locale are deleted.
    """
    await db.execute(
        """
        DELETE FROM offer_translations
        WHERE shop_id = $1 AND offer_id = $2 AND locale = $3 AND ($4::text[] IS NULL OR path = ANY($4))
        """,
        shop_id,
        offer_id,
        locale,
        paths,
    )


async def share(db: Connection, shop_id: UUID, offer_id: UUID, paths: Mapping[str, str]) -> None:
    """Copy the translations of some texts over those of others, in every locale.

    `paths` maps each text to overwrite to the text to copy from. A translation that the source
    lacks is deleted from the target.
    """
    await db.execute(
        """
        WITH gone AS (
            DELETE FROM offer_translations t
            WHERE t.shop_id = $1 AND t.offer_id = $2 AND t.path = ANY($3) AND NOT EXISTS (
                SELECT FROM unnest($3::text[], $4::text[]) AS p(target, source)
                JOIN offer_translations s ON s.shop_id = $1 AND s.offer_id = t.offer_id
                    AND s.locale = t.locale AND s.path = p.source
                WHERE p.target = t.path)
        )
        INSERT INTO offer_translations (shop_id, offer_id, locale, path, value)
        SELECT $1, s.offer_id, s.locale, p.target, s.value
        FROM unnest($3::text[], $4::text[]) AS p(target, source)
        JOIN offer_translations s ON s.shop_id = $1 AND s.offer_id = $2 AND s.path = p.source
        ON CONFLICT (shop_id, offer_id, locale, path) DO UPDATE SET value = excluded.value
        """,
        shop_id,
        offer_id,
        list(paths),
        list(paths.values()),
    )
