"""A shop's own templates in PostgreSQL, a row for each part of a message and locale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.kernel.places import readable
from openstoq.messaging.forms import MessageKind
from openstoq.messaging.letter import OwnPart, OwnParts

# The locale of templates for every language without one of its own.
EVERY_LANGUAGE = ""


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A shop's own template of one part, and whether it failed since it was stored."""

    channel: str
    purpose: str
    locale: str
    part: str
    source: str
    updated_at: datetime
    failed_at: datetime | None
    failure: str | None


class OwnTemplates:
    """A shop's own templates of one message, in all of its locales."""

    def __init__(self, stored: Sequence[StoredPart]) -> None:
        self._sources: dict[str, dict[str, str]] = {}
        for one in stored:
            self._sources.setdefault(one.locale, {})[one.part] = one.source

    def parts_for(self, locale: str | None) -> OwnParts:
        """Return the templates for a reader's locale, each from the closest locale that has it."""
        parts: dict[str, OwnPart] = {}
        for each in (*readable(locale or ""), EVERY_LANGUAGE):
            for part, source in self._sources.get(each, {}).items():
                parts.setdefault(part, OwnPart(source, each))
        return OwnParts(parts)


async def load(db: Connection, shop_id: UUID, kind: MessageKind | None = None) -> list[StoredPart]:
    """Load a shop's own templates, of one message or of all."""
    rows = await db.fetch(
        """
        SELECT channel, purpose, locale, part, source, updated_at, failed_at, failure
        FROM message_templates
        WHERE shop_id = $1 AND ($2::text IS NULL OR channel = $2)
          AND ($3::text IS NULL OR purpose = $3)
        ORDER BY channel, purpose, locale, part
        """,
        shop_id,
        kind.channel if kind is not None else None,
        kind.purpose if kind is not None else None,
    )
    return [StoredPart(**dict(row)) for row in rows]


async def own_templates(db: Connection, shop_id: UUID, kind: MessageKind) -> OwnTemplates:
    """Load a shop's own templates of one message."""
    return OwnTemplates(await load(db, shop_id, kind))


async def write(
    db: Connection,
    shop_id: UUID,
    kind: MessageKind,
    locale: str,
    sources: Mapping[str, str],
    *,
    now: datetime,
) -> None:
    """Write the templates of some parts; other parts stay as they are."""
    await db.execute(
        """
        INSERT INTO message_templates (shop_id, channel, purpose, locale, part, source, updated_at)
        SELECT $1, $2, $3, $4, t.part, t.source, $7
        FROM unnest($5::text[], $6::text[]) AS t(part, source)
        ON CONFLICT (shop_id, channel, purpose, locale, part) DO UPDATE SET
            source = excluded.source, updated_at = excluded.updated_at,
            failed_at = NULL, failure = NULL, failed_wave_id = NULL
        """,
        shop_id,
        kind.channel,
        kind.purpose,
        locale,
        list(sources),
        list(sources.values()),
        now,
    )


async def delete(
    db: Connection, shop_id: UUID, kind: MessageKind, locale: str, part: str | None
) -> None:
    """Delete the template of a part, or of all parts if `part` is None, in one locale."""
    await db.execute(
        """
        DELETE FROM message_templates
        WHERE shop_id = $1 AND channel = $2 AND purpose = $3 AND locale = $4
          AND ($5::text IS NULL OR part = $5)
        """,
        shop_id,
        kind.channel,
        kind.purpose,
        locale,
        part,
    )


async def note_failures(
    db: Connection,
    shop_id: UUID,
    kind: MessageKind,
    failures: Mapping[tuple[str, str], str],
    *,
    wave_id: UUID | None,
    now: datetime,
) -> list[tuple[str, str]]:
    """Note kinds of errors by locale and part; return those that the wave has not noted before."""
    keys = sorted(failures)
    rows = await db.fetch(
        """
        UPDATE message_templates m
        SET failed_at = $7, failure = t.failure, failed_wave_id = $8
        FROM unnest($4::text[], $5::text[], $6::text[]) AS t(locale, part, failure)
        WHERE m.shop_id = $1 AND m.channel = $2 AND m.purpose = $3
          AND m.locale = t.locale AND m.part = t.part
          AND ($8::uuid IS NULL OR m.failed_wave_id IS DISTINCT FROM $8)
        RETURNING m.locale, m.part
        """,
        shop_id,
        kind.channel,
        kind.purpose,
        [locale for locale, _ in keys],
        [part for _, part in keys],
        [failures[key] for key in keys],
        now,
        wave_id,
    )
    return sorted((row["locale"], row["part"]) for row in rows)
