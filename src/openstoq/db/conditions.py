"""WHERE clauses, built from constant fragments; values are only ever passed as parameters."""

from typing import Any


class Conditions:
    """Conditions joined by AND, with the values of their parameters."""

    def __init__(self) -> None:
        self.parameters: list[Any] = []
        self._fragments: list[str] = []

    def copy(self) -> "Conditions":
        """Return a copy, to which a statement can add parameters without changing the original."""
        copied = Conditions()
        copied.parameters, copied._fragments = [*self.parameters], [*self._fragments]
        return copied

    def sharing(self) -> "Conditions":
        """Return empty conditions for another clause of the same statement.

        They share the list of parameters with these conditions.
        """
        shared = Conditions()
        shared.parameters = self.parameters
        return shared

    def bind(self, value: Any) -> str:
        """Add a parameter and return its placeholder, such as $3."""
        self.parameters.append(value)
        return f"${len(self.parameters)}"

    def add(self, fragment: str, *values: Any) -> None:
        """Add the constant `fragment` as a condition, with each {} bound to the next of `values`."""
        self._fragments.append(fragment.format(*(self.bind(value) for value in values)))

    def add_unless_none(self, fragment: str, value: Any) -> None:
        """Add `fragment` as a condition, with every {} bound to `value`, unless `value` is None."""
        if value is not None:
            placeholder = self.bind(value)
            self._fragments.append(fragment.replace("{}", placeholder))

    def __str__(self) -> str:
        return " AND ".join(self._fragments) or "true"


def containing(text: str | None) -> str | None:
    r"""Return the LIKE pattern that matches any text containing `text`; None if `text` is None.

    Any %, _ or \ in `text` is escaped, so that it only matches itself.
    """
    if text is None:
        return None
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"
