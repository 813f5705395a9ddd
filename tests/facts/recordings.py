"""Reduce recorded requests and answers to what tests compare."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import strip_ignored_characters

# The steps of each recording that the sandbox is asked again, in their order.
SCENARIOS = {
    "fulfillment-order-hold-multi-line": (
        "setup/orderCreate",
        "workflow/hold",
        "cleanup/releaseHold",
    ),
    "fulfillment-order-hold-validation": ("setup/create", "workflows/validation"),
    "fulfillment-order-release-hold-selective": (
        "setup/create",
        "workflows/selectiveRelease",
        "cleanup/releaseRemainingHold",
    ),
    "fulfillment-order-split-multi": ("captures", "cleanup/merge"),
}
# Answers that tests read one by one: a file, and the path to the answer in it.
ANSWERS = {
    "partly denied": (
        "shipping-fulfillments/fulfillment-order-hold-multi-line.json",
        "workflow/hold",
    ),
    "no idempotency key": (
        "products/inventory-quantity-contracts-2026-04.json",
        "missingSetIdempotency",
    ),
    "invalid variable": (
        "orders/refund-create-attribution-validation.json",
        "invalidVariable",
    ),
    "user error without a code": (
        "webhooks/webhook-subscription-uri-validation.json",
        "updateHttp",
    ),
}
VERSION = "2026-04"


def scenario(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Return a recording's queries, and then its steps: an order is placed, or a query is sent."""
    (file,) = folder.glob(f"{VERSION}/*/{name}.json")
    recording = _load(file)
    found = [step for path in SCENARIOS[name] for step in _steps(_at(recording, path))]
    asked = [step for step in found if "orderCreate" not in step["response"]["payload"]["data"]]
    queries = list(dict.fromkeys(strip_ignored_characters(step["query"]) for step in asked))
    yield from ({"query": query} for query in queries)
    for step in found:
        payload, variables = step["response"]["payload"], step["variables"]
        if step in asked:
            sent = {"sent": queries.index(strip_ignored_characters(step["query"]))}
            answer = {name: payload[name] for name in ("data", "errors") if name in payload}
            yield sent | {"variables": variables, "answer": answer}
        else:
            quantities = [line["quantity"] for line in variables["order"]["lineItems"]]
            yield {"quantities": quantities, "order": payload["data"]["orderCreate"]["order"]}


def _steps(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and "query" in value:
        yield value
    else:
        for each in value.values() if isinstance(value, dict) else value:
            yield from _steps(each)


def named_answers(folder: Path) -> Iterator[dict[str, Any]]:
    """Return the answers that tests read one by one."""
    for name, (file, path) in ANSWERS.items():
        answer = _at(_load(folder / VERSION / file), path)["response"]
        yield {"name": name, "answer": answer.get("payload", answer)}


def shapes(folder: Path) -> Iterator[dict[str, Any]]:
    """Return an answer of each shape: the shortest with its kinds of data and of errors."""
    shortest: dict[str, str] = {}
    for file in sorted(folder.glob(f"{VERSION}/*/*.json")):
        for answer in _answers(_load(file)):
            text = json.dumps(answer, ensure_ascii=False)
            key = json.dumps(_shape(answer))
            if key not in shortest or len(text) < len(shortest[key]):
                shortest[key] = text
    yield from (json.loads(text) for text in shortest.values())


def _answers(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "data" in value and "extensions" in value:
            yield value
        for each in value.values():
            yield from _answers(each)
    elif isinstance(value, list):
        for each in value:
            yield from _answers(each)


def _shape(answer: dict[str, Any]) -> list[Any]:
    fields = (answer["data"] or {}).values()
    user_errors = [
        [sorted(error), error.get("code")]
        for field in fields
        if isinstance(field, dict)
        for error in field.get("userErrors") or ()
    ]
    errors = [
        [sorted(error), error.get("extensions", {}).get("code")]
        for error in answer.get("errors", ())
    ]
    kinds = sorted({type(each).__name__ for each in fields})
    return [kinds, _distinct(user_errors), _distinct(errors), sorted(answer["extensions"])]


def _distinct(values: list[Any]) -> list[str]:
    return sorted({json.dumps(each) for each in values})


def costs(folder: Path) -> Iterator[dict[str, Any]]:
    """Return each recorded query and the points that Shopify asked for it."""
    seen = set()
    for file in sorted(folder.rglob("*.json")):
        for query, variables, cost in _priced(_load(file)):
            sizes = {name: each for name, each in variables.items() if isinstance(each, int)}
            key = (query, json.dumps(sizes, sort_keys=True), cost)
            if key not in seen:
                seen.add(key)
                yield {"cost": cost, "variables": sizes, "query": query}


def _priced(value: Any) -> Iterator[tuple[str, dict[str, Any], int]]:
    if isinstance(value, dict):
        answer = value.get("response")
        if isinstance(value.get("query"), str) and isinstance(answer, dict):
            answer = answer.get("body") or answer.get("payload") or answer
            if isinstance(answer, dict) and (cost := answer.get("extensions", {}).get("cost")):
                variables = value.get("variables") or {}
                yield (
                    strip_ignored_characters(value["query"]),
                    variables,
                    cost["requestedQueryCost"],
                )
        for each in value.values():
            yield from _priced(each)
    elif isinstance(value, list):
        for each in value:
            yield from _priced(each)


def _load(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _at(value: Any, path: str) -> Any:
    for step in path.split("/"):
        value = value[step]
    return value
