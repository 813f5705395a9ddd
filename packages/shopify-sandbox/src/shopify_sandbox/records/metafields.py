"""Metafields, grouped by the record that they belong to."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True, eq=False, kw_only=True)
class Metafield:
    """A value that an app stores on one of the shop's records."""

    id: int
    owner_gid: str
    namespace: str
    key: str
    type: str
    value: str
    created_at: datetime
    updated_at: datetime

    @property
    def compare_digest(self) -> str:
        """Return the digest of the value.

        A compare-and-set must contain this digest to replace the value.
        """
        return hashlib.sha256(f"{self.type}\0{self.value}".encode()).hexdigest()


class Metafields:
    """All metafields of a shop, by owner, namespace and key."""

    def __init__(self) -> None:
        self._of: dict[str, dict[tuple[str, str], Metafield]] = {}

    def __iter__(self) -> Iterator[Metafield]:
        for fields in self._of.values():
            yield from fields.values()

    def get(self, owner: str, namespace: str, key: str) -> Metafield | None:
        """Return one metafield, or None."""
        return self._of.get(owner, {}).get((namespace, key))

    def of(self, owner: str) -> list[Metafield]:
        """Return the metafields of one record, oldest first."""
        return list(self._of.get(owner, {}).values())

    def put(self, metafield: Metafield) -> None:
        """Store a metafield, in place of one with the same owner, namespace and key."""
        fields = self._of.setdefault(metafield.owner_gid, {})
        fields[metafield.namespace, metafield.key] = metafield

    def remove(self, owner: str, namespace: str, key: str) -> Metafield | None:
        """Delete one metafield; return it, or None if there was none."""
        return self._of.get(owner, {}).pop((namespace, key), None)

    def forget(self, owner: str) -> None:
        """Delete all metafields of one record."""
        self._of.pop(owner, None)
