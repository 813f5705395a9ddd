"""Seals: encrypt the secrets that we store, and sign the links in our mails."""

import base64
import hmac
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SIGNATURE_BYTES = 16
_ID_BYTES = 16


class Seal:
    """The installation's key, from which an encryption key and a signing key are derived."""

    def __init__(self, key: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(_derived(key, b"openstoq secrets")))
        self._signing = _derived(key, b"openstoq links")

    def close(self, secret: str) -> bytes:
        """Encrypt a secret for storage."""
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """Decrypt a stored secret; raise ValueError if it was encrypted with another key."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise ValueError(
                "a stored secret was sealed with another OPENSTOQ_SECURITY_KEY; "
                "restore that key or connect the shop again"
            ) from error

    def sign(self, purpose: str, *ids: UUID) -> str:
        """Return a short URL-safe token for `purpose` that contains `ids` and cannot be forged."""
        body = b"".join(one.bytes for one in ids)
        return _text(self._signature(purpose, body) + body)

    def verify(self, purpose: str, token: str) -> tuple[UUID, ...] | None:
        """Return the ids in a token created by `sign` for `purpose`; None for any other token."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return None
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if len(body) % _ID_BYTES or not hmac.compare_digest(
            signature, self._signature(purpose, body)
        ):
            return None
        return tuple(
            UUID(bytes=body[start : start + _ID_BYTES]) for start in range(0, len(body), _ID_BYTES)
        )

    def digest(self, purpose: str, text: str) -> str:
        """Return a digest to store in place of `text`; nobody without the key can compute it."""
        return _text(self._signature(purpose, text.encode()))

    def _signature(self, purpose: str, body: bytes) -> bytes:
        digest = hmac.digest(self._signing, purpose.encode() + b"\x00" + body, "sha256")
        return digest[:_SIGNATURE_BYTES]


def _derived(key: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key.encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
