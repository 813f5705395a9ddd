"""Every document that we send is one that Shopify takes, in both versions that we promise."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from graphql import parse

from openstoq.commerce.plans import Plan
from openstoq.commerce.shopify import selling_plans
from openstoq.commerce.shopify.documents import document, names
from openstoq.commerce.shopify.subscriptions import TOPICS
from tests.facts.document_rules import problems
from tests.facts.load import VERSIONS, schema_facts

HOOK = {
    "uri": "https://stoq.example/hooks",
    "format": "JSON",
    "filter": "",
    "includeFields": [],
}
ORDER = "gid://shopify/Order/1"
FULFILLMENT_ORDER = "gid://shopify/FulfillmentOrder/1"
UNITS = [{"id": "gid://shopify/FulfillmentOrderLineItem/1", "quantity": 2}]
GROUP = "gid://shopify/SellingPlanGroup/1"
VARIANTS = [f"gid://shopify/ProductVariant/{number}" for number in range(1, 251)]
PLAN = selling_plans.input_of(
    Plan(
        name="P",
        option="O",
        description="D",
        percent=Decimal(20),
        balance_at=datetime(2027, 3, 1, tzinfo=UTC),
        delivery="exact",
        delivered_at=datetime(2027, 3, 1, tzinfo=UTC),
        discount=("percentage", Decimal(10)),
    ),
    1,
)
# The largest that we ever ask for at first: what is dearer must be halved at once.
VARIABLES = {
    "FulfillmentOrderById": {"id": FULFILLMENT_ORDER},
    "FulfillmentOrderHold": {
        "id": FULFILLMENT_ORDER,
        "hold": {
            "reason": "OTHER",
            "reasonNotes": "Preorder",
            "handle": "openstoq-1",
            "notifyMerchant": False,
            "fulfillmentOrderLineItems": UNITS,
        },
    },
    "FulfillmentOrderLinesPage": {"id": FULFILLMENT_ORDER, "first": 250, "after": "c"},
    "FulfillmentOrderReleaseHold": {
        "id": FULFILLMENT_ORDER,
        "holdIds": ["gid://shopify/FulfillmentHold/1"],
    },
    "FulfillmentOrderSplit": {
        "splits": [{"fulfillmentOrderId": FULFILLMENT_ORDER, "fulfillmentOrderLineItems": UNITS}]
    },
    "InventoryItemLevelsPage": {"id": "gid://shopify/InventoryItem/1", "first": 250},
    "InventoryLevelsByItem": {
        "ids": [f"gid://shopify/InventoryItem/{number}" for number in range(1, 251)],
        "levels": 20,
    },
    "LocationsPage": {"first": 250, "after": None},
    "MarketRegionsPage": {"id": "gid://shopify/Market/1", "first": 250, "after": "c"},
    "MarketsPage": {"first": 50, "after": None, "regions": 250},
    "OrderById": {"id": ORDER},
    "OrderCancel": {
        "orderId": ORDER,
        "reason": "CUSTOMER",
        "restock": True,
        "notify": False,
        "note": None,
    },
    "OrderChargeMandate": {
        "id": ORDER,
        "mandateId": "gid://shopify/PaymentMandate/0123abcd",
        "key": "k",
        "paymentScheduleId": "gid://shopify/PaymentSchedule/1",
        "amount": {"amount": "80.00", "currencyCode": "USD"},
    },
    "OrderCurrencies": {"id": ORDER},
    "OrderFulfillmentOrdersPage": {"id": ORDER, "first": 10, "after": "c"},
    "OrderLinesPage": {"id": ORDER, "first": 250, "after": "c"},
    "OrderMarkAsPaid": {"input": {"id": ORDER}},
    "OrderPaymentStatus": {"id": ORDER, "reference": "r"},
    "OrderStanding": {"id": ORDER},
    "OrderTagsAdd": {"id": ORDER, "tags": ["preorder"]},
    "OrderTagsRemove": {"id": ORDER, "tags": ["preorder"]},
    "OrdersUpdatedPage": {
        "first": 250,
        "after": None,
        "query": "updated_at:>='2026-06-20T14:30:00.000Z'",
    },
    "ProductById": {"id": "gid://shopify/Product/1", "variants": 250},
    "ProductVariantsPage": {"id": "gid://shopify/Product/1", "first": 250, "after": "c"},
    "ProductsPage": {
        "first": 50,
        "after": None,
        "query": "updated_at:>='2026-06-20T14:30:00.000Z'",
        "variants": 25,
    },
    "RefundCreate": {
        "input": {
            "orderId": ORDER,
            "currency": "CAD",
            "note": None,
            "notify": True,
            "transactions": [
                {
                    "orderId": ORDER,
                    "parentId": "gid://shopify/OrderTransaction/1",
                    "kind": "REFUND",
                    "gateway": "shopify_payments",
                    "amount": "20.00",
                }
            ],
        },
        "key": "k",
    },
    "ShopFacts": {},
    "ShopId": {},
    "CollectionProductsPage": {"id": "gid://shopify/Collection/1", "first": 250, "after": None},
    "MetafieldsDelete": {
        "metafields": [
            {"ownerId": f"gid://shopify/ProductVariant/{n}", "namespace": "openstoq", "key": "k"}
            for n in range(1, 26)
        ]
    },
    "MetafieldsSet": {
        "metafields": [
            {
                "ownerId": f"gid://shopify/ProductVariant/{n}",
                "namespace": "openstoq",
                "key": "selling_plan_ids",
                "type": "json",
                "value": "[]",
            }
            for n in range(1, 26)
        ]
    },
    "SellingPlanGroupAttachVariants": {"id": GROUP, "productVariantIds": VARIANTS},
    "SellingPlanGroupCreate": {"input": {"name": "P", "sellingPlansToCreate": [PLAN]}},
    "SellingPlanGroupDetachVariants": {"id": GROUP, "productVariantIds": VARIANTS},
    "SellingPlanGroupRead": {"id": GROUP},
    "SellingPlanGroupUpdate": {
        "id": GROUP,
        "input": {"sellingPlansToUpdate": [PLAN | {"id": "gid://shopify/SellingPlan/1"}]},
    },
    "SellingPlanGroupVariantsPage": {"id": GROUP, "first": 250, "after": None},
    "SellingPlanGroupsPage": {"first": 250, "after": None},
    "VariantsInventoryPolicyUpdate": {
        "productId": "gid://shopify/Product/1",
        "variants": [{"id": variant, "inventoryPolicy": "CONTINUE"} for variant in VARIANTS],
        "partial": True,
    },
    "VariantsMetafields": {"ids": VARIANTS[:50], "namespace": "openstoq", "first": 25},
    "VariantsByIds": {
        "ids": [f"gid://shopify/ProductVariant/{number}" for number in range(1, 251)]
    },
    "WebhookSubscriptionCreate": {"topic": "SHOP_UPDATE", "webhookSubscription": HOOK},
    "WebhookSubscriptionUpdate": {
        "id": "gid://shopify/WebhookSubscription/1",
        "webhookSubscription": HOOK,
    },
    "WebhookSubscriptionsPage": {"first": 250, "after": None},
}


def test_every_document_has_variables_to_be_checked_with():
    assert sorted(VARIABLES) == names()


@pytest.mark.parametrize("name", names())
def test_a_document_holds_the_operation_that_its_file_is_named_after(name):
    found = document(name)
    operations = [each for each in parse(found.text).definitions if hasattr(each, "operation")]
    assert [each.name.value for each in operations] == [name]
    assert operations[0].operation.value == found.kind


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", names())
def test_shopify_takes_the_document(name, version):
    assert problems(schema_facts(version), document(name).text, VARIABLES[name]) == []


PLANS = "mutation A($i: SellingPlanGroupInput!) { sellingPlanGroupCreate(input: $i) { userErrors { message } } }"
REFUND = """mutation A($i: RefundInput!) {
    refundCreate(input: $i) @idempotent(key: "k") { userErrors { message } } }"""
ATTACHED = """mutation A($i: ID!, $v: [ID!]!) {
    sellingPlanGroupAddProductVariants(id: $i, productVariantIds: $v) { userErrors { message } } }"""
READ = "query A($i: ID!) { order(id: $i) { id } }"
FOREIGN = "gid://shopify/Product/1"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("text", "variables", "problem"),
    [
        ("{ shop { currencyCod } }", {}, "currencyCod"),
        ("{ products { nodes { id } } }", {}, "first or last"),
        ("{ products(first: 251) { nodes { id } } }", {}, "251 of a page"),
        ("query A($n: Int!) { products(first: $n) { nodes { id } } }", {"n": 251}, "251 of"),
        (REFUND.replace('@idempotent(key: "k")', ""), {"i": {"orderId": ORDER}}, "@idempotent"),
        (PLANS, {"i": {"sellingPlansToCreate": [{"category": "PREORDER"}]}}, "PREORDER"),
        (PLANS, {"i": {"nam": "x"}}, "nam"),
        (PLANS, {}, r"\$i"),
        (ATTACHED, {"i": GROUP, "v": [*VARIANTS, VARIANTS[0]]}, "251 items"),
        (READ, {"i": "gid:/shopify/Order/1"}, "is no id"),
        (READ, {"i": FOREIGN}, "Product id given"),
        (READ.replace("id: $i", f'id: "{FOREIGN}"').replace("($i: ID!)", ""), {}, "Product id"),
        (REFUND, {"i": {"orderId": FOREIGN}}, "Product id given"),
        (
            """{ products(first: 250) { nodes { variants(first: 250) { nodes { id inventoryItem {
                inventoryLevels(first: 250) { nodes { location { id } } } } } } } } }""",
            {},
            "points",
        ),
        (READ.replace("{ id }", "{ customer { email } }"), {"i": ORDER}, "deprecated"),
    ],
)  # fmt: skip
def test_shopify_would_refuse_a_wrong_document(version, text, variables, problem):
    found = problems(schema_facts(version), text, variables)
    assert any(re.search(problem, each) for each in found), found


@pytest.mark.parametrize("version", VERSIONS)
def test_every_topic_exists(version):
    known = schema_facts(version).schema.get_type("WebhookSubscriptionTopic").values
    assert {topic.upper().replace("/", "_") for topic in TOPICS} <= set(known)
