"""Records of a write: an audit row and, with an idempotency key, the response."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from openstoq.db.pool import Connection
from openstoq.db.statement import Statement
from openstoq.errors import Conflict, Invalid
from openstoq.kernel.ids import new_id
from openstoq.kernel.logging import MASK, masked_text

# The names of fields that contain personal data; `csv` is a file of signups. If other fields have the
# same name, the parent's name is included, as in `intent.source`.
_PERSONAL = frozenset(
    {"email", "phone", "name", "push", "contact", "shopify_customer_id", "csv", "intent.source"}
)
_KEPT_ENTRIES = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """The response of an action: a status and a JSON body."""

    status: int
    body: bytes
    replayed: bool = False


def fingerprint(action: str, path: Mapping[str, str], body: bytes) -> bytes:
    """Return a digest that distinguishes different requests with the same idempotency key."""
    return sha256(orjson.dumps([action, sorted(path.items())]) + b"\x00" + body).digest()


async def stored_answer(db: Connection, shop_id: UUID, key: str, request: bytes) -> Answer | None:
    """Return the response stored under an idempotency key in the last 24 hours, or None.

    The key is reserved for this request until the transaction ends. `request` is the request's
    fingerprint. Raises Conflict while another request with the same key is running. Raises Invalid
    if the key was used for a different request.
    """
    free = await db.fetchval(
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", f"{shop_id}/{key}"
    )
    if not free:
        raise Conflict(
            "a request with this Idempotency-Key is still running; send it again in a moment"
        )
    row = await db.fetchrow(
        """
        SELECT fingerprint, status, body FROM idempotency_keys
        WHERE shop_id = $1 AND key = $2 AND created_at > now() - interval '24 hours'
        """,
        shop_id,
        key,
    )
    if row is None:
        return None
    if row["fingerprint"] != request:
        raise Invalid("this Idempotency-Key was used for another request; use a new one")
    return Answer(row["status"], row["body"], replayed=True)


async def store_answer(
    db: Connection, shop_id: UUID, key: str, request: bytes, answer: Answer
) -> None:
    """Store the response under its idempotency key, so that a repeated request gets it again."""
    await db.execute(
        """
        INSERT INTO idempotency_keys (shop_id, key, fingerprint, status, body)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (shop_id, key) DO UPDATE SET
            fingerprint = excluded.fingerprint, status = excluded.status,
            body = excluded.body, created_at = excluded.created_at
        """,
        shop_id,
        key,
        request,
        answer.status,
        answer.body,
    )


def audit_row(
    shop_id: UUID,
    *,
    at: datetime,
    actor: str,
    action: str,
    target: str | None,
    request_id: str,
    arguments: Mapping[str, Any],
) -> Statement:
    """Return the statement that writes an audit row, with contacts and names masked."""
    return Statement(
        """
        INSERT INTO audit_log (shop_id, id, at, actor, action, target, request_id, arguments)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        (shop_id, new_id(), at, actor, action, target, request_id, masked(arguments)),
    )


def masked(value: Any, path: tuple[str, ...] = ()) -> Any:
    """Return `value` with personal data masked and long lists cut short."""
    if isinstance(value, Mapping):
        return {key: masked(entry, (*path, key)) for key, entry in value.items()}
    if isinstance(value, list):
        kept = [masked(entry, path) for entry in value[:_KEPT_ENTRIES]]
        more = len(value) - len(kept)
        return [*kept, f"and {more} more"] if more else kept
    if value is not None and {".".join(path[-1:]), ".".join(path[-2:])} & _PERSONAL:
        return MASK
    # Any text may contain a contact that somebody entered there.
    return masked_text(value) if isinstance(value, str) else value
