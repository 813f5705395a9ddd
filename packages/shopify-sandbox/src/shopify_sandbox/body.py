"""The reading of a JSON body field by field, with every problem in one sentence each."""

from decimal import Decimal, InvalidOperation
from typing import Any

from shopify_sandbox.ids import shopify_id


class BodyError(Exception):
    """A body that cannot be used; `problems` are sentences."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Body:
    """A JSON object whose fields are taken out one by one; `finish` reports what was wrong."""

    def __init__(self, data: Any) -> None:
        if not isinstance(data, dict):
            raise BodyError(["The body must be a JSON object."])
        self._left = dict(data)
        self._problems: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def raw(self, name: str, default: Any = None) -> Any:
        """Take a field as it is."""
        return self._left.pop(name, default)

    def text(self, name: str, default: str | None = None) -> str | None:
        """Take a text, or `default` where it is absent or null."""
        value: str | None = self._take(name, str, "a text", default)
        return value

    def required(self, name: str) -> str:
        """Take a text that has to be there."""
        value = self.text(name)
        if not value:
            self._problems.append(f"{name} is required and must be a text.")
        return value or ""

    def integer(self, name: str, default: int = 0) -> int:
        """Take a whole number."""
        value: int = self._take(name, int, "a whole number", default)
        return value

    def number(self, name: str, default: float = 0.0) -> float:
        """Take a number of at least 0."""
        value: float = self._take(name, int | float, "a number", default)
        if value < 0:
            self._problems.append(f"{name} must not be negative.")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Take true or false."""
        value = self._left.pop(name, default)
        if not isinstance(value, bool):
            self._problems.append(f"{name} must be true or false.")
            return default
        return value

    def decimal(self, name: str) -> Decimal | None:
        """Take an amount of money, written as a text or a number; None where absent."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or amount < 0:
            self._problems.append(f"{name} must be an amount such as 19.99.")
            return None
        # Some currencies have three decimals; who needs fewer rounds.
        rounded = amount.quantize(Decimal("0.01"))
        return rounded if rounded == amount else amount.quantize(Decimal("0.001"))

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """Take one of a few words, in any case."""
        value = self._left.pop(name, default)
        for each in allowed:
            if isinstance(value, str) and value.casefold() == each.casefold():
                return each
        self._problems.append(f"{name} must be one of {', '.join(allowed)}.")
        return default

    def texts(self, name: str) -> tuple[str, ...]:
        """Take a list of texts."""
        value = self._left.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._problems.append(f"{name} must be a list of texts.")
            return ()
        return tuple(value)

    def objects(self, name: str) -> list["Body"]:
        """Take a list of JSON objects, each to be read and finished by itself."""
        value = self._left.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self._problems.append(f"{name} must be a list of objects.")
            return []
        return [Body(each) for each in value]

    def object(self, name: str) -> "Body":
        """Take a JSON object, which is empty where it is absent."""
        value = self._left.pop(name, None)
        if value is not None and not isinstance(value, dict):
            self._problems.append(f"{name} must be an object.")
        return Body(value if isinstance(value, dict) else {})

    def id(self, name: str) -> int | None:
        """Take a Shopify id as a number, a text or a gid; None where absent."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        try:
            return shopify_id(value)
        except ValueError as error:
            self._problems.append(f"{name} {error}.")
            return None

    def finish(self) -> None:
        """Raise BodyError when anything was wrong, unknown fields included."""
        self._problems += [f"{name} is not a field of this request." for name in self._left]
        if self._problems:
            raise BodyError(self._problems)

    def _take(self, name: str, kind: Any, words: str, default: Any) -> Any:
        value = self._left.pop(name, None)
        if value is None:
            return default
        if not isinstance(value, kind) or isinstance(value, bool):
            self._problems.append(f"{name} must be {words}.")
            return default
        return value
