"""The mutations metafieldsSet and metafieldsDelete."""

import json
from typing import Any

from shopify_sandbox.admin.errors import UserProblem
from shopify_sandbox.admin.records import Info, find, global_id, own_namespace, shop_of
from shopify_sandbox.records.catalogue import Location, Product, Variant
from shopify_sandbox.records.metafields import Metafield
from shopify_sandbox.shop import Shop

MOST = 25
# The most bytes of a value, except for the types in LARGEST_OF.
LARGEST = 65_536
LARGEST_OF = {"json": 131_072, "url": 2_048}
LONGEST_LIST = 128
LONGEST_KEY = 64
NAMESPACE_LENGTH = (3, 255)
TYPES = {
    "boolean",
    "date_time",
    "json",
    "list.single_line_text_field",
    "multi_line_text_field",
    "number_decimal",
    "number_integer",
    "single_line_text_field",
    "url",
}


def set_metafields(_: Any, info: Info, metafields: list[dict[str, Any]]) -> dict[str, Any]:
    """Write up to 25 metafields, all or none of them."""
    if len(metafields) > MOST:
        return _refused(
            UserProblem(
                f"Exceeded the maximum metafields input limit of {MOST}.",
                ("metafields",),
                "LESS_THAN_OR_EQUAL_TO",
            )
        )
    shop = shop_of(info)
    problems = [
        problem
        for index, row in enumerate(metafields)
        for problem in _problems(info, row, ("metafields", str(index)))
    ]
    if problems:
        stale = all(problem.code == "STALE_OBJECT" for problem in problems)
        return {"metafields": [] if stale else None, "user_errors": problems}
    # The last of several rows with the same key counts.
    written = {_key(row): _write(shop, row) for row in metafields}
    return {"metafields": list(written.values()), "user_errors": []}


def delete_metafields(_: Any, info: Info, metafields: list[dict[str, str]]) -> dict[str, Any]:
    """Delete metafields; the result has null for a metafield that does not exist."""
    shop = shop_of(info)
    problems = [
        UserProblem("Owner does not exist.", ("metafields", str(index), "ownerId"))
        for index, row in enumerate(metafields)
        if find(info, row["owner_id"]) is None
    ]
    if problems:
        return {"deleted_metafields": None, "user_errors": problems}
    deleted = []
    for row in metafields:
        found = shop.metafields.remove(*_key(row))
        named = {**row, "namespace": own_namespace(row["namespace"])}
        deleted.append(named if found else None)
    return {"deleted_metafields": deleted, "user_errors": []}


def _refused(problem: UserProblem) -> dict[str, Any]:
    return {"metafields": None, "user_errors": [problem]}


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    return (row["owner_id"], own_namespace(row.get("namespace")), row["key"])


def _problems(info: Info, row: dict[str, Any], field: tuple[str, ...]) -> list[UserProblem]:
    owner = find(info, row["owner_id"])
    if not isinstance(owner, Product | Variant | Location | Shop) or (
        global_id(owner) != row["owner_id"]
    ):
        return [UserProblem("Owner does not exist.", (*field, "ownerId"), "INVALID")]
    existing = shop_of(info).metafields.get(*_key(row))
    kind = row.get("type") or (existing.type if existing else None)
    problems = []
    shortest, longest = NAMESPACE_LENGTH
    if len(row["key"]) > LONGEST_KEY:
        problems.append(
            UserProblem(
                f"Key is too long (maximum is {LONGEST_KEY} characters)",
                (*field, "key"),
                "TOO_LONG",
            )
        )
    if not shortest <= len(own_namespace(row.get("namespace"))) <= longest:
        problems.append(
            UserProblem(
                f"Namespace must be {shortest} to {longest} characters long",
                (*field, "namespace"),
                "INVALID",
            )
        )
    if kind not in TYPES:
        message = "Type can't be blank" if kind is None else f"Type {kind} is not known here"
        code = "BLANK" if kind is None else "INVALID_TYPE"
        return [*problems, UserProblem(message, (*field, "type"), code)]
    largest = LARGEST_OF.get(kind, LARGEST)
    if len(row["value"].encode()) > largest:
        problems.append(
            UserProblem(
                f"Value is too large (maximum is {largest} bytes).", (*field, "value"), "TOO_LONG"
            )
        )
    elif not _is_of_type(row["value"], kind):
        problems.append(
            UserProblem(f"Value is not a valid {kind}.", (*field, "value"), "INVALID_VALUE")
        )
    digest = existing.compare_digest if existing else None
    if "compare_digest" in row and row["compare_digest"] != digest:
        problems.append(
            UserProblem(
                "The resource has been updated since it was loaded. "
                "Try again with an updated `compareDigest` value.",
                field,
                "STALE_OBJECT",
            )
        )
    return problems


def _is_of_type(value: str, kind: str) -> bool:
    if not value or (kind == "single_line_text_field" and "\n" in value):
        return False
    try:
        match kind:
            case "json" | "list.single_line_text_field":
                read = json.loads(value)
                return kind == "json" or (isinstance(read, list) and len(read) <= LONGEST_LIST)
            case "number_integer":
                int(value)
            case "number_decimal":
                float(value)
            case "boolean":
                return value in ("true", "false")
    except ValueError:
        return False
    return True


def _write(shop: Shop, row: dict[str, Any]) -> Metafield:
    owner, namespace, key = _key(row)
    moment = shop.moment()
    found = shop.metafields.get(owner, namespace, key)
    if found is None:
        found = Metafield(
            id=next(shop.ids),
            owner_gid=owner,
            namespace=namespace,
            key=key,
            type=row["type"],
            value=row["value"],
            created_at=moment,
            updated_at=moment,
        )
        shop.metafields.put(found)
        return found
    found.type = row.get("type") or found.type
    found.value = row["value"]
    found.updated_at = moment
    return found
