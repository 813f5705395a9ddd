"""A shop's metafields, found by the record that they are kept on."""

from collections.abc import Iterator

from openstoq.sandbox.model import Metafield


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
        """Keep a metafield, in the place of one with the same owner, namespace and key."""
        fields = self._of.setdefault(metafield.owner_gid, {})
        fields[metafield.namespace, metafield.key] = metafield

    def remove(self, owner: str, namespace: str, key: str) -> Metafield | None:
        """Delete one metafield; return it, or None if there was none."""
        return self._of.get(owner, {}).pop((namespace, key), None)

    def forget(self, owner: str) -> None:
        """Delete everything that is kept on one record."""
        self._of.pop(owner, None)
