"""The filter in a `query:` argument: terms of Shopify's search syntax that all must hold."""

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shopify_sandbox.admin.errors import bad_request
from shopify_sandbox.ids import shopify_id

Predicate = Callable[[Any], bool]

_TERM = re.compile(r"""\s*(?:(\w+):(>=|<=|>|<|)(?:'([^']*)'|"([^"]*)"|(\S+))|(AND)\b)""")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "": operator.eq,
}


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# Every field that can be filtered on, with the parser of its value and its attribute path.
_FIELDS: dict[str, tuple[Callable[[str], Any], str]] = {
    "id": (shopify_id, "id"),
    "created_at": (_moment, "created_at"),
    "updated_at": (_moment, "updated_at"),
    "processed_at": (_moment, "processed_at"),
    "sku": (str.casefold, "sku"),
    "title": (str.casefold, "title"),
    "name": (str.casefold, "name"),
    "handle": (str.casefold, "handle"),
    "vendor": (str.casefold, "vendor"),
    "status": (str.casefold, "status"),
    "product_id": (shopify_id, "product.id"),
}
FIELDS_OF = {
    "products": ("id", "created_at", "updated_at", "title", "handle", "vendor", "status"),
    "productVariants": ("id", "updated_at", "sku", "title", "product_id"),
    "inventoryItems": ("id", "created_at", "updated_at", "sku"),
    "sellingPlanGroups": ("id", "name", "created_at"),
    "orders": ("id", "created_at", "updated_at", "processed_at", "name"),
    "markets": ("id", "name"),
    "collections": ("id", "title", "handle", "updated_at"),
}


def predicate(query: str | None, of: str) -> Predicate:
    """Return the predicate that `query` describes for records of the connection `of`.

    Raises GraphQLError for a term that the sandbox does not understand. Shopify ignores such terms,
    but a filter that is silently ignored hides a mistake.
    """
    tests: list[Predicate] = []
    text, position = (query or "").strip(), 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or (match[6] is None and match[1] not in FIELDS_OF[of]):
            raise bad_request(
                f"The sandbox shop cannot filter {of} by {text[position:]!r}; it understands "
                f"field:value terms joined by AND, with the fields {', '.join(FIELDS_OF[of])}."
            )
        position = match.end()
        if match[6] is None:
            value = next(part for part in match.groups()[2:5] if part is not None)
            tests.append(_test(match[1], match[2], value))
    return lambda record: all(test(record) for test in tests)


def _test(field: str, comparator: str, text: str) -> Predicate:
    read, path = _FIELDS[field]
    compare = _COMPARE[comparator]
    try:
        wanted = read(text)
    except ValueError:
        raise bad_request(f"{text!r} is not a value that {field} can be compared with.") from None
    find = operator.attrgetter(path)

    def test(record: Any) -> bool:
        found = find(record)
        if isinstance(found, str):
            found = found.casefold()
        return found is not None and compare(found, wanted)

    return test
