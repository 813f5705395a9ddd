"""Selling plans and orders of a sandbox shop, made through its own doors."""

from itertools import count

from sandbox.site import SNOWDEVIL

_numbers = count(1)
_CREATE = """mutation ($input: SellingPlanGroupInput!, $resources: SellingPlanGroupResourceInput) {
  sellingPlanGroupCreate(input: $input, resources: $resources) {
    sellingPlanGroup { sellingPlans(first: 1) { nodes { id } } } userErrors { field message } } }"""
CHARGE = """mutation ($id: ID!, $card: ID!, $key: String!, $schedule: ID, $amount: MoneyInput) {
  orderCreateMandatePayment(id: $id, mandateId: $card, idempotencyKey: $key,
    paymentScheduleId: $schedule, amount: $amount) {
      job { id done } paymentReferenceId userErrors { field message code } } }"""
STATUS = """query ($id: ID!, $reference: String!) {
  orderPaymentStatus(orderId: $id, paymentReferenceId: $reference) {
    status errorMessage transactions { id kind status errorCode amountSet {
      shopMoney { amount currencyCode } } } } }"""


def variant_with(site, *, at_least=5, domain=SNOWDEVIL, policy="DENY"):
    """Return a variant that has stock."""
    return next(
        each
        for each in site.shop(domain).variants.values()
        if each.inventory_quantity >= at_least and each.inventory_policy == policy
    )


async def product(site, price, *, domain=SNOWDEVIL):
    """Make a product of one price, and return its variant."""
    facts = {"title": f"Tea {next(_numbers)}", "variants": [{"price": price, "available": 50}]}
    made = await site.control("POST", "products", facts, domain=domain)
    return site.shop(domain).variants[made["variants"][0]["id"]]


async def plan(
    site,
    *variants,
    percentage=20,
    amount=None,
    trigger="EXACT_TIME",
    at="2100-01-01T00:00:00Z",
    after=None,
    reserve="ON_SALE",
    price=None,
    domain=SNOWDEVIL,
):
    """Offer a plan for variants and return its id as a number."""
    charge = (
        {"type": "PERCENTAGE", "value": {"percentage": percentage}}
        if amount is None
        else {"type": "PRICE", "value": {"fixedValue": amount}}
    )
    billing = {"checkoutCharge": charge, "remainingBalanceChargeTrigger": trigger}
    if trigger == "EXACT_TIME":
        billing["remainingBalanceChargeExactTime"] = at
    if after is not None:
        billing["remainingBalanceChargeTimeAfterCheckout"] = after
    number = next(_numbers)
    made = {
        "name": f"Plan {number}",
        "options": [f"Preorder {number}"],
        "category": "PRE_ORDER",
        "billingPolicy": {"fixed": billing},
        "deliveryPolicy": {"fixed": {"fulfillmentTrigger": "UNKNOWN"}},
        "inventoryPolicy": {"reserve": reserve},
        "pricingPolicies": [{"fixed": price}] if price else [],
    }
    ids = [f"gid://shopify/ProductVariant/{each.id}" for each in variants]
    answer = await site.graphql(
        _CREATE,
        {
            "input": {"name": "Preorder", "options": ["When"], "sellingPlansToCreate": [made]},
            "resources": {"productVariantIds": ids},
        },
        domain=domain,
    )
    payload = answer["data"]["sellingPlanGroupCreate"]
    assert payload["userErrors"] == []
    nodes = payload["sellingPlanGroup"]["sellingPlans"]["nodes"]
    return int(nodes[0]["id"].rpartition("/")[2])


async def buy(site, *lines, domain=SNOWDEVIL, status=200, **facts):
    """Place an order of lines, each a variant and what differs from one unit of it."""
    body = {
        "lines": [{"variant_id": variant.id, **more} for variant, more in lines],
        "customer": {"email": "ana@example.com", "name": "Ana Silva"},
        "country": "US",
        **facts,
    }
    return await site.control("POST", "orders", body, domain=domain, status=status)


async def deposit_order(site, *, quantity=2, domain=SNOWDEVIL, percentage=20, **facts):
    """Place an order of a variant with a deposit."""
    variant = variant_with(site, domain=domain)
    plan_id = await plan(site, variant, percentage=percentage, domain=domain)
    line = (variant, {"quantity": quantity, "plan_id": plan_id})
    return await buy(site, line, domain=domain, **facts)


def gid(kind, number):
    """Write a number as a global id."""
    return f"gid://shopify/{kind}/{number}"


async def charge(site, order, key="key", *, domain=SNOWDEVIL, **more):
    """Ask for an order's card to be charged with its schedule, and return the payload."""
    variables = {
        "id": gid("Order", order["id"]),
        "card": gid("PaymentMandate", order["cards"][0]["id"]),
        "key": key,
        "schedule": gid("PaymentSchedule", order["schedules"][0]["id"]),
        **more,
    }
    answer = await site.graphql(CHARGE, variables, domain=domain)
    return answer["data"]["orderCreateMandatePayment"]


async def status_of(site, order, reference, *, domain=SNOWDEVIL):
    """Return how a charge stands."""
    variables = {"id": gid("Order", order["id"]), "reference": reference}
    answer = await site.graphql(STATUS, variables, domain=domain)
    return answer["data"]["orderPaymentStatus"]


async def again(site, order, *, domain=SNOWDEVIL):
    """Read an order once more."""
    return await site.control("GET", f"orders/{order['id']}", domain=domain)
