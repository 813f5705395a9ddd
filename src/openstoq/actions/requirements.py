"""Requirements of a request as a whole, stated once for its JSON Schema and for reading it.

A field's own type says what the field may be. A requirement says which fields a request must have,
where that depends on other fields. An empty value, which is null, an empty list or false, counts as
missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

_GIVEN: dict[str, Any] = {"not": {"enum": [None, [], False]}}


class Requirement(Protocol):
    """A rule about which fields of a request must be there together."""

    def schema(self) -> dict[str, Any]:
        """Return the rule as a part of a JSON Schema."""
        ...

    def problem(self, request: Mapping[str, Any]) -> str | None:
        """Return a sentence for a request that breaks the rule, or None."""
        ...


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of some fields must be given; `sentence` is the problem if none is."""

    names: tuple[str, ...]
    sentence: str

    def schema(self) -> dict[str, Any]:
        """Return the rule as a part of a JSON Schema."""
        return {"anyOf": [_given(name) for name in self.names]}

    def problem(self, request: Mapping[str, Any]) -> str | None:
        """Return a sentence for a request that breaks the rule, or None."""
        return None if any(_has(request, name) for name in self.names) else self.sentence


@dataclass(frozen=True, slots=True)
class Needed:
    """A field must be given if another field has one of some values."""

    name: str
    sentence: str
    when: str
    values: tuple[str, ...]

    def schema(self) -> dict[str, Any]:
        """Return the rule as a part of a JSON Schema."""
        return {"if": _is(self.when, self.values), "then": _given(self.name)}

    def problem(self, request: Mapping[str, Any]) -> str | None:
        """Return a sentence for a request that breaks the rule, or None."""
        is_needed = request.get(self.when) in self.values
        return self.sentence if is_needed and not _has(request, self.name) else None


@dataclass(frozen=True, slots=True)
class Unwanted:
    """A field must be left out, or null, if another field has one of some values."""

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
        """Return a sentence for a request that breaks the rule, or None."""
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
