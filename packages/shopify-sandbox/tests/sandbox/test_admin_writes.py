"""Writing to a shop: stock, metafields and subscriptions, with Shopify's rules."""

import asyncio

import pytest

SET = """mutation ($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id reason changes { name delta item { id } location { id } } }
    userErrors { field message code } } }"""
ADJUST = """mutation ($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { changes { name delta } }
    userErrors { field message code } } }"""
METAFIELDS = """mutation ($metafields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $metafields) {
    metafields { id namespace key type value compareDigest ownerType jsonValue }
    userErrors { field message code elementIndex } } }"""
SUBSCRIBE = """mutation ($topic: WebhookSubscriptionTopic!, $in: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $in) {
    webhookSubscription { id topic uri format name apiVersion { handle } }
    userErrors { field message } } }"""


def level(site, quantity, **changed):
    item = next(iter(site.shop().items.values()))
    location = next(iter(site.shop().locations))
    return {
        "inventoryItemId": f"gid://shopify/InventoryItem/{item.id}",
        "locationId": f"gid://shopify/Location/{location}",
        "quantity": quantity,
        "changeFromQuantity": None,
        **changed,
    }


def wanted(*levels, **changed):
    return {"name": "available", "reason": "correction", "quantities": list(levels), **changed}


async def set_stock(site, *levels, key="k", **changed):
    answer = await site.graphql(SET, {"input": wanted(*levels, **changed), "key": key})
    return answer["data"]["inventorySetQuantities"]


def first_stock(site):
    item = next(iter(site.shop().items.values()))
    return next(iter(item.levels.values())).available


async def test_stock_is_set_once_per_key(site):
    done = await set_stock(site, level(site, 5))
    assert [
        (each["name"], each["delta"]) for each in done["inventoryAdjustmentGroup"]["changes"]
    ] == [
        ("available", 5),
        ("on_hand", 5),
    ]
    assert first_stock(site) == 5
    await set_stock(site, level(site, 9), key="another")
    assert await set_stock(site, level(site, 5)) == done
    assert first_stock(site) == 9


async def test_a_key_used_for_something_else_is_refused(site):
    await set_stock(site, level(site, 5))
    refused = await set_stock(site, level(site, 6))
    assert refused["inventoryAdjustmentGroup"] is None
    assert refused["userErrors"][0]["code"] == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    assert first_stock(site) == 5


@pytest.mark.parametrize("mutation", ["inventorySetQuantities", "inventoryAdjustQuantities"])
async def test_without_a_key_nothing_happens(site, mutation):
    kind = mutation[0].upper() + mutation[1:]
    rows = {"quantities": [level(site, 5)]}
    if mutation == "inventoryAdjustQuantities":
        row = level(site, 5)
        row["delta"] = row.pop("quantity")
        rows = {"changes": [row]}
    answer = await site.graphql(
        f"mutation ($input: {kind}Input!) {{ {mutation}(input: $input) {{ userErrors {{ code }} }} }}",
        {"input": {"name": "available", "reason": "correction", **rows}},
    )
    assert answer["data"] == {mutation: None}
    error = answer["errors"][0]
    assert error["message"] == (
        "The @idempotent directive is required for this mutation but was not provided."
    )
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert error["path"] == [mutation]
    assert answer["extensions"]["cost"]["actualQueryCost"] == 10
    assert first_stock(site) == 0


async def test_change_from_quantity_must_be_there_even_if_null(site):
    row = level(site, 5)
    del row["changeFromQuantity"]
    answer = await site.graphql(SET, {"input": wanted(row), "key": "k"})
    error = answer["errors"][0]
    assert error["extensions"] == {"code": "INVALID_FIELD_ARGUMENTS"}
    assert error["message"] == (
        "InventoryQuantityInput must include the following argument: changeFromQuantity."
    )
    assert first_stock(site) == 0


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"quantity": -1}, "INVALID_QUANTITY_NEGATIVE", "quantity"),
        ({"quantity": 1_000_000_001}, "INVALID_QUANTITY_TOO_HIGH", "quantity"),
        ({"changeFromQuantity": 7}, "CHANGE_FROM_QUANTITY_STALE", "changeFromQuantity"),
        (
            {"inventoryItemId": "gid://shopify/InventoryItem/99"},
            "INVALID_INVENTORY_ITEM",
            "inventoryItemId",
        ),
        ({"locationId": "gid://shopify/Location/99"}, "INVALID_LOCATION", "locationId"),
    ],
)
async def test_stock_that_cannot_be_set_is_a_user_error(site, changed, code, field):
    refused = await set_stock(site, level(site, 5) | changed)
    assert [(each["code"], each["field"]) for each in refused["userErrors"]] == [
        (code, ["input", "quantities", "0", field])
    ]
    assert refused["inventoryAdjustmentGroup"] is None
    assert first_stock(site) == 0


async def test_wrong_reasons_names_and_repeated_levels_are_user_errors(site):
    for changed, rows, code in (
        ({"reason": "whim"}, [level(site, 1)], "INVALID_REASON"),
        ({"name": "incoming"}, [level(site, 1)], "INVALID_NAME"),
        (
            {},
            [level(site, 1), level(site, 2)],
            "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
        ),
    ):
        refused = await set_stock(site, *rows, key=code, **changed)
        assert [each["code"] for each in refused["userErrors"]] == [code]
    assert first_stock(site) == 0


async def test_stock_is_adjusted_by_a_difference(site):
    row = level(site, 0)
    del row["quantity"]
    one = {"name": "available", "reason": "received", "changes": [{**row, "delta": 4}]}
    made = (await site.graphql(ADJUST, {"input": one, "key": "1"}))["data"]
    changes = made["inventoryAdjustQuantities"]["inventoryAdjustmentGroup"]["changes"]
    assert changes == [{"name": "available", "delta": 4}, {"name": "on_hand", "delta": 4}]
    two = {**one, "changes": [{**row, "delta": -1, "changeFromQuantity": 4}]}
    await site.graphql(ADJUST, {"input": two, "key": "2"})
    stale = (await site.graphql(ADJUST, {"input": two, "key": "3"}))["data"]
    codes = [each["code"] for each in stale["inventoryAdjustQuantities"]["userErrors"]]
    assert codes == ["CHANGE_FROM_QUANTITY_STALE"]
    assert first_stock(site) == 3


async def test_racing_adjustments_are_all_counted(site):
    row = level(site, 0)
    del row["quantity"]
    one = {"name": "available", "reason": "received", "changes": [{**row, "delta": 1}]}
    await asyncio.gather(
        *(site.graphql(ADJUST, {"input": one, "key": str(each)}) for each in range(20))
    )
    assert first_stock(site) == 20


def metafield(site, key="count", **changed):
    variant = next(iter(site.shop().variants))
    return {
        "ownerId": f"gid://shopify/ProductVariant/{variant}",
        "namespace": "$app:openstoq",
        "key": key,
        "type": "number_integer",
        "value": "3",
        **changed,
    }


async def set_metafields(site, *metafields):
    answer = await site.graphql(METAFIELDS, {"metafields": list(metafields)})
    return answer["data"]["metafieldsSet"]


async def read_metafields(site):
    variant = next(iter(site.shop().variants))
    answer = await site.graphql(
        """query ($id: ID!) { productVariant(id: $id) {
          one: metafield(namespace: "$app:openstoq", key: "count") { value owner { __typename } }
          metafields(first: 25) { nodes { key value } } } }""",
        {"id": f"gid://shopify/ProductVariant/{variant}"},
    )
    return answer["data"]["productVariant"]


async def test_metafields_are_written_and_read(site):
    written = (await set_metafields(site, metafield(site)))["metafields"][0]
    assert (written["jsonValue"], written["ownerType"]) == (3, "PRODUCTVARIANT")
    assert written["namespace"] == "app--1170001--openstoq"
    assert await read_metafields(site) == {
        "one": {"value": "3", "owner": {"__typename": "ProductVariant"}},
        "metafields": {"nodes": [{"key": "count", "value": "3"}]},
    }


async def test_of_equal_keys_the_last_wins(site):
    await set_metafields(site, metafield(site), metafield(site, value="4"))
    assert (await read_metafields(site))["one"]["value"] == "4"


async def test_metafields_are_written_all_or_none(site):
    refused = await set_metafields(site, metafield(site), metafield(site, "other", value="many"))
    assert refused["metafields"] is None
    assert [(each["code"], each["field"]) for each in refused["userErrors"]] == [
        ("INVALID_VALUE", ["metafields", "1", "value"])
    ]
    assert (await read_metafields(site))["metafields"]["nodes"] == []


async def test_the_26th_metafield_is_refused(site):
    refused = await set_metafields(site, *(metafield(site, f"k{each}") for each in range(26)))
    assert refused == {
        "metafields": None,
        "userErrors": [
            {
                "field": ["metafields"],
                "message": "Exceeded the maximum metafields input limit of 25.",
                "code": "LESS_THAN_OR_EQUAL_TO",
                "elementIndex": None,
            }
        ],
    }


async def test_compare_and_set_refuses_a_stale_digest(site):
    digest = (await set_metafields(site, metafield(site)))["metafields"][0]["compareDigest"]
    await set_metafields(site, metafield(site, value="4", compareDigest=digest))
    stale = await set_metafields(site, metafield(site, value="5", compareDigest=digest))
    assert stale["metafields"] == []
    assert stale["userErrors"][0]["code"] == "STALE_OBJECT"
    assert (await read_metafields(site))["one"]["value"] == "4"
    absent = await set_metafields(site, metafield(site, "new", compareDigest=None))
    assert absent["userErrors"] == []


async def test_metafields_are_deleted(site):
    await set_metafields(site, metafield(site))
    row = {name: metafield(site)[name] for name in ("ownerId", "namespace", "key")}
    query = """mutation ($metafields: [MetafieldIdentifierInput!]!) {
      metafieldsDelete(metafields: $metafields) {
        deletedMetafields { key } userErrors { message } } }"""
    for expected in ([{"key": "count"}], [None]):
        answer = await site.graphql(query, {"metafields": [row]})
        assert answer["data"]["metafieldsDelete"]["deletedMetafields"] == expected
    assert (await read_metafields(site))["one"] is None


async def subscribe(site, topic="PRODUCTS_UPDATE", **given):
    answer = await site.graphql(SUBSCRIBE, {"topic": topic, "in": given})
    return answer["data"]["webhookSubscriptionCreate"]


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        (None, "Address can't be blank"),
        ("", "Address can't be blank"),
        ("ftp://example.com/", "Address is invalid"),
        ("https://a.myshopify.com/", "Address cannot be a Shopify or an internal domain"),
    ],
)
async def test_some_addresses_are_refused(site, uri, sentence):
    refused = await subscribe(site, uri=uri)
    assert refused["userErrors"] == [
        {"field": ["webhookSubscription", "callbackUrl"], "message": sentence}
    ]


async def test_one_address_is_subscribed_to_a_topic_once(site):
    made = await subscribe(site, uri="https://a.example/", name="stock")
    assert made["webhookSubscription"]["topic"] == "PRODUCTS_UPDATE"
    again = await subscribe(site, uri="https://a.example/")
    assert again["userErrors"][0]["message"] == "Address for this topic has already been taken"
    assert (await subscribe(site, "SHOP_UPDATE", uri="https://a.example/"))["userErrors"] == []


async def test_a_filter_is_refused_unless_empty(site):
    refused = await subscribe(site, uri="https://a.example/", filter="id:5")
    assert refused["userErrors"][0]["field"] == ["webhookSubscription", "filter"]
    assert (await subscribe(site, uri="https://a.example/", filter=""))["userErrors"] == []


async def test_a_subscription_is_changed_and_ended(site):
    made = (await subscribe(site, uri="https://a.example/"))["webhookSubscription"]["id"]
    query = """mutation ($id: ID!, $in: WebhookSubscriptionInput!) {
      webhookSubscriptionUpdate(id: $id, webhookSubscription: $in) {
        webhookSubscription { uri } userErrors { message } }
      webhookSubscriptionDelete(id: $id) {
        deletedWebhookSubscriptionId userErrors { message } } }"""
    done = (await site.graphql(query, {"id": made, "in": {"uri": "https://b.example/"}}))["data"]
    changed = done["webhookSubscriptionUpdate"]
    assert changed["webhookSubscription"] == {"uri": "https://b.example/"}
    assert done["webhookSubscriptionDelete"]["deletedWebhookSubscriptionId"] == made
    gone = (await site.graphql(query, {"id": made, "in": {}}))["data"]
    for each in gone.values():
        assert each["userErrors"] == [{"message": "Webhook subscription does not exist"}]
