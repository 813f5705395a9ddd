"""Parse JSON objects from Shopify: lenient on nulls and numeric strings, strict on the rest.

A method that cannot read a field raises ValueError with a sentence that names the field.
"""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from openstoq.kernel.days import in_utc
from openstoq.kernel.ids import shopify_id
from openstoq.kernel.texts import cleaned

_LARGEST_COUNT = 2**31 - 1
_MOST_DIGITS = 15


class Fields:
    """The fields of an object, each read by its name and its required type."""

    __slots__ = ("_path", "_values")

    def __init__(self, values: Any, path: str = "") -> None:
        if not isinstance(values, dict):
            raise ValueError(f"{path or 'the body'} must be an object, got {_shown(values)}")  # noqa: TRY004 - callers catch one kind of error
        self._values: dict[str, Any] = values
        self._path = path

    @property
    def named(self) -> str:
        """The name of this object in logs: its id if it has one, or else its path."""
        value = self._values.get("id")
        return _shown(value) if isinstance(value, str | int) else self._path

    def has(self, name: str) -> bool:
        """Return whether the field is present and not null."""
        return self._values.get(name) is not None

    def tells(self, name: str) -> bool:
        """Return whether the field is present, even if it is null."""
        return name in self._values

    def id(self, name: str) -> int:
        """Read an id, sent as a number, a numeric string or a GID."""
        value = self._values.get(name)
        try:
            return shopify_id(value)
        except ValueError as error:
            raise ValueError(f"{self._named(name)} {error}, got {_shown(value)}") from None

    def id_or_none(self, name: str) -> int | None:
        """Read an id that may be null or missing."""
        return self.id(name) if self.has(name) else None

    def ids(self, name: str) -> tuple[int, ...]:
        """Read a list of ids."""
        values = {str(place): value for place, value in enumerate(self._list(name))}
        members = Fields(values, self._named(name))
        return tuple(members.id(place) for place in values)

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts."""
        values = {str(place): value for place, value in enumerate(self._list(name))}
        members = Fields(values, self._named(name))
        return tuple(members.text(place) for place in values)

    def text(self, name: str) -> str:
        """Read a text; null or missing gives ""."""
        return self.text_or_none(name) or ""

    def text_or_none(self, name: str) -> str | None:
        """Read a text that may be null or missing."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"{self._named(name)} must be a text, got {_shown(value)}")  # noqa: TRY004 - callers catch one kind of error
        # We cannot reject a shop's text, in which a control character has no meaning.
        return cleaned(str(value))

    def count(self, name: str) -> int:
        """Read a whole number; null or missing gives 0."""
        value = self._values.get(name)
        if value is None:
            return 0
        number = self._number(name, value)
        if number != number.to_integral_value() or abs(number) > _LARGEST_COUNT:
            raise ValueError(f"{self._named(name)} must be a whole number, got {_shown(value)}")
        return int(number)

    def amount_or_none(self, name: str) -> Decimal | None:
        """Read an amount of money that may be null or missing."""
        value = self._values.get(name)
        return None if value is None else self._number(name, value)

    def amount(self, name: str) -> Decimal:
        """Read an amount of money."""
        return self._number(name, self._values.get(name))

    def flag_or_none(self, name: str) -> bool | None:
        """Read true or false, which may be null or missing."""
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return bool(value == "true")
        raise ValueError(f"{self._named(name)} must be true or false, got {_shown(value)}")

    def moment(self, name: str) -> datetime:
        """Read an RFC 3339 time as aware UTC."""
        read = self.moment_or_none(name)
        if read is None:
            raise ValueError(f"{self._named(name)} must be an RFC 3339 time, got nothing")
        return read

    def moment_or_none(self, name: str) -> datetime | None:
        """Read an RFC 3339 time as aware UTC; it may be null or missing."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            return moment(value)
        except ValueError as error:
            raise ValueError(f"{self._named(name)} {error}") from None

    def inside(self, name: str) -> "Fields":
        """Read an object; null or missing gives an object without fields."""
        return Fields(self._values[name] if self.has(name) else {}, self._named(name))

    def each(self, name: str) -> list["Fields"]:
        """Read a list of objects; null or missing gives an empty list, and nulls are left out."""
        return [
            Fields(value, f"{self._named(name)}.{place}")
            for place, value in enumerate(self._list(name))
            if value is not None
        ]

    def distinct(self, name: str, *path: str) -> list["Fields"]:
        """Read a list of objects; raise ValueError if two of them have the same id.

        `path` leads from an object to its id; without a path, the id is the field `id`. If a
        response or body contains an object twice, nothing says which of the two is right.
        """
        found = self.each(name)
        *outer, last = path or ("id",)
        seen: set[int] = set()
        for member in found:
            holder = member
            for step in outer:
                holder = holder.inside(step)
            number = holder.id(last)
            if number in seen:
                raise ValueError(f"{self._named(name)} must not have {number} twice")
            seen.add(number)
        return found

    def _list(self, name: str) -> list[Any]:
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise ValueError(f"{self._named(name)} must be a list, got {_shown(value)}")  # noqa: TRY004 - callers catch one kind of error
        return value

    def _number(self, name: str, value: Any) -> Decimal:
        number = _decimal(value)
        if number is None:
            raise ValueError(f"{self._named(name)} must be a number, got {_shown(value)}")
        return number

    def _named(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def body_fields(body: bytes) -> Fields:
    """Parse a body as a JSON object; raise ValueError if it is not one."""
    try:
        return Fields(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the body must be JSON: {error}") from None


def moment(value: Any) -> datetime:
    """Parse an RFC 3339 time as aware UTC; a time without an offset is read as UTC."""
    try:
        return in_utc(datetime.fromisoformat(value))
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"must be an RFC 3339 time, got {_shown(value)}") from None


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and number.adjusted() < _MOST_DIGITS else None


def _shown(value: Any) -> str:
    # Long and nested values are named by their kind: a body may hold a person's data.
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"  # noqa: PLR2004 - as much as a log line can use
