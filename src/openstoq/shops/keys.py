"""API keys: their format, and the hash that is stored instead of the key."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from openstoq.kernel.ids import random_text

PREFIX = "stoq_api_key_"
SECRET_LENGTH = 32
_KEY = re.compile(rf"^{PREFIX}[A-Za-z0-9]{{{SECRET_LENGTH}}}$")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The stored record of a key; the key itself is not stored."""

    id: UUID
    name: str
    hint: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def status(self, now: datetime) -> str:
        """Return whether the key is live, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "live"


def new_key() -> str:
    """Create a key; it is shown once and never stored."""
    return PREFIX + random_text(SECRET_LENGTH)


def is_key(text: str) -> bool:
    """Return whether `text` has the format of a key."""
    return bool(_KEY.match(text))


def key_in(headers: Mapping[str, str]) -> str | None:
    """Return the key that a request sends in X-Auth-Token, or else as a bearer token.

    Returns None if there is neither.
    """
    key = headers.get("x-auth-token")
    if key is not None:
        return key.strip()
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def key_hash(key: str) -> bytes:
    """Return the hash that is stored instead of a key."""
    return sha256(key.encode()).digest()
