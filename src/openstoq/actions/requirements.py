"""Requirements of a request as a whole, for its JSON Schema and for its validation.

Each requirement is stated once for both uses. A field's own type says what the field may be. A
requirement says which fields a request must have, where that depends on other fields. An empty
value counts as missing: null, an empty list or false.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

# The value of a field that was sent but cannot be read. It counts as given, because a caller who is
# told how to mend the field must not be told to send it too.
UNREAD: Any = object()
_GIVEN: dict[str, Any] = {"not": {"enum": [None, [], False]}}


class Requirement(Protocol):
    """A rule about several fields of a request together."""

    @property
    def sentence(self) -> str:
        """The rule in words, as it is told to a caller whose request breaks it."""
        ...

    def schema(self) -> dict[str, Any]:
        """Return the rule as a part of a JSON Schema."""
        ...

    def problem(self, request: Mapping[str, Any]) -> str | None:
        """Return a sentence about how the request breaks the rule, or None if it does not."""
        ...


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The rule that at least one of some fields must be given.

    `sentence` tells the caller what is wrong with a request that has none of them.
    """

    names: tuple[str, ...]
    sentence: str

    def schema(self) -> dict[str, Any]:
        """Return the rule as a part of a JSON Schema."""
        return {"anyOf": [_given(name) for name in self.names]}

    def problem(self, request: Mapping[str, Any]) -> str | None:
        """Return a sentence about how the request breaks the rule, or None if it does not."""
        return None if any(_has(request, name) for name in self.names) else self.sentence


@dataclass(frozen=True, slots=True)
class Needed:
    """The rule that the field `name` must be given if the field `when` has one of `values`."""

    name: str
    sentence: str
    when: str
    values: tuple[str, ...]

    def schema(self) -> dict[str, Any]:
        """Return the rule as a part of a JSON Schema."""
        return {"if": _is(self.when, self.values), "then": _given(self.name)}

    def problem(self, request: Mapping[str, Any]) -> str | None:
        """Return a sentence about how the request breaks the rule, or None if it does not."""
        is_needed = request.get(self.when) in self.values
        return self.sentence if is_needed and not _has(request, self.name) else None


@dataclass(frozen=True, slots=True)
class Unwanted:
    """The rule that the field `name` must be left out or null if `when` has one of `values`."""

    name: str
    sentence: str
    when: str
    values: tuple[str, ...]

    def schema(self) -> dict[str, Any]:
        """Return the rule as a part of a JSON Schema."""
        return {
            "if": _is(self.when, self.values),
            "then": {"properties": {self.name: {"type": "null"}}},
        }

    def problem(self, request: Mapping[str, Any]) -> str | None:
        """Return a sentence about how the request breaks the rule, or None if it does not."""
        broken = request.get(self.when) in self.values and request.get(self.name) is not None
        return self.sentence if broken else None


def _has(request: Mapping[str, Any], name: str) -> bool:
    value = request.get(name)
    # Zero is a value, although it equals false.
    return not (value is None or value is False or value == [])


def _given(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: _GIVEN}}


def _is(name: str, values: tuple[str, ...]) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"enum": list(values)}}}
