"""SQL statements as values, so that two can be sent in a single round trip."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_PLACEHOLDER = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Statement:
    """An SQL statement with the values of its parameters."""

    text: str
    parameters: tuple[Any, ...]

    def taking_along(self, other: "Statement | None") -> "Statement":
        """Return this statement, extended so that the server also runs `other`.

        This statement must be a WITH query, and `other` must change data. If `other` is None, this
        statement is returned unchanged.
        """
        if other is None:
            return self
        text = _joined(self.text, len(self.parameters), other.text)
        return Statement(text, self.parameters + other.parameters)


@lru_cache(maxsize=64)
def _joined(text: str, parameters: int, other: str) -> str:
    moved = _PLACEHOLDER.sub(lambda found: f"${int(found[1]) + parameters}", other)
    _, _, queries = text.partition("WITH ")
    # The number of parameters so far tells several of them apart.
    return f"WITH taken_along_{parameters} AS ({moved}), {queries}"
