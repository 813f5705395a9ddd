"""Split a list of ids into requests as large as Shopify's limit on points per request allows."""

from collections.abc import Sequence

from openstoq.commerce.shopify.answers import TooExpensive

_MOST = 250
_FIRST = 50
# Shopify allows 1,000 points a request; the difference is room for ids of above-average cost.
_MOST_POINTS = 900.0


class Batches:
    """The ids that are still to be requested, in batches whose size is adapted to their cost."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = list(dict.fromkeys(ids))
        self._begin = 0
        self._size = _FIRST
        self._most = _MOST

    def next(self) -> list[str]:
        """Return the batch of ids to request next; it is empty once all ids have been answered."""
        return self._ids[self._begin : self._begin + self._size]

    def done(self, cost: float | None) -> None:
        """Move past the answered batch; its `cost` determines the size of the next batch."""
        asked = len(self.next())
        self._begin += asked
        if cost:
            self._size = max(1, min(self._most, int(_MOST_POINTS * asked / cost)))

    def halve(self) -> None:
        """Halve the batch size from now on. Raises TooExpensive if the batch is a single id."""
        asked = len(self.next())
        if asked == 1:
            raise TooExpensive("one id alone asks for more than one answer may hold")
        self._most = self._size = asked // 2
