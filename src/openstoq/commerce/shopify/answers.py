"""Parse the Admin API's responses: data, errors and the request's cost."""

import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from openstoq.commerce.port import (
    AccessDenied,
    CommerceError,
    CommerceRefused,
    CommerceUnavailable,
    CommerceUnreadable,
    Refusal,
)
from openstoq.commerce.shopify.fields import Fields
from openstoq.commerce.shopify.throttle import Cost
from openstoq.kernel.alone import alone

Found = TypeVar("Found")

THROTTLED = "THROTTLED"
TRANSIENT = frozenset(
    {"INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT", "IDEMPOTENCY_CONCURRENT_REQUEST"}
)
_SCOPE = re.compile(r"`([a-z_]+)`")
_SOON, _LATER = 60.0, 3600.0


class TooExpensive(CommerceRefused):
    """A single request exceeded a limit on its cost or size; request fewer items at once."""


@dataclass(frozen=True, slots=True)
class GraphError:
    """One member of a response's `errors`."""

    message: str
    code: str | None = None
    path: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to an operation. It may contain errors alongside valid data."""

    operation: str
    data: dict[str, Any]
    errors: tuple[GraphError, ...]
    cost: Cost

    @property
    def empty(self) -> bool:
        """Return whether all root fields are null."""
        return all(value is None for value in self.data.values())

    def failed(self, names: frozenset[str]) -> bool:
        """Return whether a field in `names` is null because it failed, and not because it is empty."""
        return any(names.intersection(error.path) for error in self.errors)

    def whole(self, *, optional: frozenset[str] = frozenset()) -> Fields:
        """Return the data of a query. Raises CommerceError if a field outside `optional` failed.

        A field that failed is null, and the fields around that field may be null too. In a list,
        this would look as if the shop had fewer items than it has.
        """
        failed = [error for error in self.errors if not optional.intersection(error.path)]
        if failed:
            raise failure(self.operation, failed)
        return Fields(self.data, self.operation)

    def payload(self, mutation: str) -> Fields:
        """Return a mutation's result. Raises CommerceError if the mutation failed or was declined.

        Errors of other fields in the response are ignored.
        """
        root = self.data.get(mutation)
        if root is None:
            raise failure(self.operation, self.errors)
        done = Fields(root, mutation)
        refusals = [
            _refusal(error)
            for name in root
            if name.endswith(("userErrors", "UserErrors"))
            for error in done.each(name)
        ]
        if refusals:
            raise refused(self.operation, refusals)
        return done


def read(operation: str, content: bytes) -> Answer:
    """Parse the body of a response. Raises ValueError if it is not a GraphQL response."""
    body = orjson.loads(content)
    if not isinstance(body, dict) or not ("data" in body or "errors" in body):
        raise ValueError("the answer holds neither data nor errors")
    data = body.get("data")
    return Answer(
        operation,
        data if isinstance(data, dict) else {},
        tuple(_errors(body.get("errors"))),
        _cost(body.get("extensions")),
    )


def failure(operation: str, errors: Iterable[GraphError]) -> CommerceError:
    """Return the exception that corresponds to the errors in a response."""
    found = list(errors)
    codes = {error.code for error in found}
    told = "; ".join(dict.fromkeys(error.message for error in found)) or "no reason was given"
    if "ACCESS_DENIED" in codes:
        scopes = tuple(dict.fromkeys(scope for error in found for scope in error.scopes))
        return AccessDenied(
            f"Shopify denies {operation}: {told} Grant the app this access and install it again.",
            scopes=scopes,
        )
    if codes & {"MAX_COST_EXCEEDED", "MAX_INPUT_SIZE_EXCEEDED"}:
        return TooExpensive(f"{operation} asks for too much at once: {told}")
    if "SHOP_INACTIVE" in codes:
        return CommerceUnavailable(f"The shop is closed: {told}", retry_after=_LATER)
    if codes & (TRANSIENT | {THROTTLED}):
        return CommerceUnavailable(f"Shopify failed at {operation}: {told}", retry_after=_SOON)
    return refused(operation, [Refusal(error.message, error.path, error.code) for error in found])


def refused(operation: str, refusals: list[Refusal]) -> CommerceRefused:
    """Return the exception for a refused request, with the reasons."""
    told = "; ".join(str(refusal) for refusal in refusals) or "no reason was given"
    return CommerceRefused(f"Shopify refuses {operation}: {told}", refusals=refusals)


@contextmanager
def reading(operation: str) -> Iterator[None]:
    """Turn a ValueError, raised for a response of an unexpected shape, into CommerceUnreadable."""
    try:
        yield
    except ValueError as error:
        raise CommerceUnreadable(
            f"Shopify's answer to {operation} cannot be read: {error}"
        ) from None


def readable(
    operation: str,
    nodes: Iterable[Fields],
    read: Callable[[Fields], Found],
    unreadable: MutableMapping[int, str] | None = None,
) -> Iterator[Found]:
    """Parse the members of a list; a member that cannot be parsed is logged and left out.

    The id of such a member is added to `unreadable` with the reason, if the id can be parsed.
    """
    for node in nodes:
        found: list[Found] = []
        failures: dict[str, str] = {}
        with alone(operation, node.named, failures), reading(operation):
            found.append(read(node))
        if unreadable is not None:
            for reason in failures.values():
                with suppress(ValueError):
                    unreadable[node.id("id")] = reason
        yield from found


def _errors(value: Any) -> Iterator[GraphError]:
    # If a request fails before GraphQL, `errors` is a mere sentence or an object of sentences.
    if isinstance(value, dict):
        value = [f"{name}: {told}" for name, told in value.items()]
    elif value is None or isinstance(value, str):
        value = [value] if value else []
    for error in value if isinstance(value, list) else [value]:
        if not isinstance(error, dict):
            yield GraphError(str(error))
            continue
        extensions = error.get("extensions")
        known = extensions if isinstance(extensions, dict) else {}
        message = str(error.get("message") or "no message")
        path = error.get("path")
        yield GraphError(
            message,
            str(known["code"]) if known.get("code") else None,
            tuple(str(step) for step in path) if isinstance(path, list) else (),
            tuple(_SCOPE.findall(str(known.get("requiredAccess") or message))),
        )


def _refusal(error: Fields) -> Refusal:
    return Refusal(error.text("message"), error.texts("field"), error.text_or_none("code"))


def _cost(extensions: Any) -> Cost:
    cost = extensions.get("cost") if isinstance(extensions, dict) else None
    if not isinstance(cost, dict):
        return Cost()
    status = cost.get("throttleStatus")
    status = status if isinstance(status, dict) else {}
    return Cost(
        _points(cost.get("requestedQueryCost")),
        _points(status.get("maximumAvailable")),
        _points(status.get("currentlyAvailable")),
        _points(status.get("restoreRate")),
    )


def _points(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
