"""The schema is a subset of Shopify's own, and its costs are those that Shopify asks."""

import json
from pathlib import Path

import pytest
from graphql import (
    build_schema,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
    parse,
    print_ast,
    separate_operations,
    specified_scalar_types,
    validate,
    validate_schema,
)

from shopify_sandbox import __version__
from shopify_sandbox.admin.cost import CostRules
from shopify_sandbox.admin.schema import RESOLVERS, schema_text
from shopify_sandbox.config import API_VERSION
from tests.facts.load import recorded_costs, schema_facts

# Requests as other apps send them: more than our own application asks for.
OPERATIONS = Path(__file__).with_name("operations.graphql")
VARIABLES = json.loads(OPERATIONS.with_suffix(".json").read_text())
# Those that need an order to run: the tests of orders send the like.
UNDERSTOOD = {
    "OrdersPage",
    "OrderForPreorder",
    "OrderTagsAdd",
    "OrderTagsRemove",
    "OrderMarkAsPaid",
    "OrderCancel",
    "OrderChargeMandate",
    "OrderChargeMandateAmount",
    "OrderPaymentPoll",
    "JobPoll",
    "RefundCreate",
}


@pytest.fixture(scope="module")
def ours():
    return build_schema(schema_text())


@pytest.fixture(scope="module")
def theirs():
    return schema_facts("2026-07").schema


@pytest.fixture(scope="module")
def operations():
    return parse(OPERATIONS.read_text())


def differences(ours, theirs):
    for name, kind in ours.type_map.items():
        if name.startswith("__") or name in specified_scalar_types:
            continue
        other = theirs.type_map.get(name)
        if type(other) is not type(kind):
            yield f"{name} is not Shopify's"
        elif is_enum_type(kind):
            yield from (f"{name}.{value}" for value in kind.values if value not in other.values)
        elif is_input_object_type(kind):
            yield from field_differences(name, kind.fields, other.fields)
            required = [
                field
                for field, declared in other.fields.items()
                if str(declared.type).endswith("!") and field not in kind.fields
            ]
            yield from (f"{name}.{field} is required" for field in required)
        elif is_object_type(kind) or is_interface_type(kind):
            foreign = {each.name for each in kind.interfaces} - {
                each.name for each in other.interfaces
            }
            yield from (f"{name} is no {interface}" for interface in foreign)
            yield from field_differences(name, kind.fields, other.fields)
            for field, declared in kind.fields.items():
                if field in other.fields:
                    arguments = other.fields[field].args
                    yield from field_differences(f"{name}.{field}", declared.args, arguments)


def field_differences(where, mine, other):
    for name, declared in mine.items():
        if name not in other:
            yield f"{where}.{name} is unknown to Shopify"
        elif str(declared.type) != str(other[name].type):
            yield f"{where}.{name}: {declared.type}, at Shopify {other[name].type}"


def test_the_version_says_which_api_is_imitated():
    year, month = API_VERSION.split("-")
    assert __version__.startswith(f"{year}.{int(month)}.")


def test_our_schema_is_well_formed(ours):
    assert validate_schema(ours) == []


def test_our_schema_is_a_subset_of_shopifys(ours, theirs):
    # Shopify adds this value in 2026-10, and an app has to bear values that it does not know.
    assert list(differences(ours, theirs)) == ["OrderPaymentStatusResult.PARTIAL_SUCCESS"]


@pytest.mark.parametrize(
    ("sdl", "expected"),
    [
        ("type QueryRoot { shop: Shop } type Shop { id: ID! }", "QueryRoot.shop: Shop"),
        ("type QueryRoot { product(id: ID): Int }", "QueryRoot.product.id: ID"),
        ("type QueryRoot { shops: Int }", "QueryRoot.shops is unknown"),
        ("type QueryRoot { x: Int } enum ProductStatus { SOLD }", "ProductStatus.SOLD"),
        ("type QueryRoot { x: Int } input InventoryQuantityInput { quantity: Int! }", "required"),
    ],
)
def test_a_schema_that_is_no_subset_is_noticed(theirs, sdl, expected):
    found = list(differences(build_schema(sdl), theirs))
    assert any(expected in each for each in found)


def only(operations, name):
    """Return the text of one operation, with the fragments that it needs."""
    return print_ast(separate_operations(operations)[name])


@pytest.mark.parametrize("name", sorted(VARIABLES))
async def test_each_example_operation_runs(site, operations, name):
    shop = site.shop()
    variables = VARIABLES[name]
    answer = await site.graphql(
        only(operations, name), localized(variables, shop), operationName=name
    )
    assert "errors" not in answer, answer
    for payload in answer["data"].values():
        if isinstance(payload, dict) and "userErrors" in payload:
            assert payload["userErrors"] in (
                [],
                [{"field": ["id"], "message": "Webhook subscription does not exist"}],
            )


@pytest.mark.parametrize("name", sorted(UNDERSTOOD))
def test_the_example_operations_of_orders_are_understood(ours, operations, name):
    assert validate(ours, parse(only(operations, name))) == []


def localized(value, shop):
    """Put ids of this shop where the examples have made-up ones."""
    first = {
        "Product": next(iter(shop.products)),
        "ProductVariant": next(iter(shop.variants)),
        "InventoryItem": next(iter(shop.items)),
        "Location": next(iter(shop.locations)),
    }
    if isinstance(value, dict):
        changed = {key: localized(each, shop) for key, each in value.items()}
        if "changeFromQuantity" in changed:
            changed["changeFromQuantity"] = None
        return changed
    if isinstance(value, list):
        # The examples name several records; one of each kind is enough here.
        return [localized(each, shop) for each in value[:1]]
    if isinstance(value, str) and value.startswith("gid://shopify/"):
        kind = value.split("/")[3]
        return f"gid://shopify/{kind}/{first[kind]}" if kind in first else value
    return value


RECORDED_COSTS = [
    ("query { currentAppInstallation { id app { id title } } }", 2),
    ("query { shop { id name plan { publicDisplayName } } }", 2),
    (
        """query { inventoryItem(id: "gid://shopify/InventoryItem/1") { id
            inventoryLevels(first: 5) { nodes {
              location { id name } quantities(names: ["available"]) { name quantity } } } } }""",
        12,
    ),
    (
        """mutation { webhookSubscriptionDelete(id: "gid://shopify/WebhookSubscription/1") {
            deletedWebhookSubscriptionId userErrors { field message } } }""",
        10,
    ),
    (
        """query { product(id: "gid://shopify/Product/1") { id
            a: metafield(namespace: "custom", key: "material") { id value }
            b: metafield(namespace: "details", key: "origin") { id value }
            c: metafield(namespace: "details", key: "season") { id value }
            metafields(first: 10) { nodes { id value } pageInfo { endCursor } } } }""",
        10,
    ),
    ("query { productsCount { count precision } productVariantsCount { count } }", 20),
]


@pytest.mark.parametrize(("query", "cost"), RECORDED_COSTS)
def test_requests_cost_what_shopify_was_seen_to_ask(ours, query, cost):
    document = parse(query)
    assert CostRules(ours, document, {}).cost(document.definitions[0]) == cost


def test_the_recorded_requests_cost_what_shopify_said(theirs):
    """The estimate was fitted to thousands of recorded requests; these alone differ."""
    differing = []
    for recorded in recorded_costs():
        document = parse(recorded["query"])
        (operation,) = (each for each in document.definitions if hasattr(each, "operation"))
        cost = CostRules(theirs, document, recorded["variables"]).cost(operation)
        if cost != recorded["cost"]:
            differing.append((cost, recorded["cost"]))
    assert differing == [(9, 12), (352, 330), (3, 38), (1, 4), (15, 25), (29, 27)]


def test_every_resolver_belongs_to_a_field(ours):
    for name in RESOLVERS:
        kind, field = name.split(".")
        assert field in ours.type_map[kind].fields
