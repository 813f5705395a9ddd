"""Orders and markets as the Admin API reads them, their tags, and orders marked as paid."""

import json

import pytest

from sandbox.buying import again, buy, deposit_order, gid, plan, variant_with

ORDER = """query ($id: ID!) { order(id: $id) {
  id legacyResourceId name test createdAt processedAt updatedAt cancelledAt cancelReason closedAt
  tags note email phone customerLocale sourceName currencyCode presentmentCurrencyCode
  displayFinancialStatus displayFulfillmentStatus fullyPaid unpaid capturable canMarkAsPaid
  statusPageUrl customAttributes { key value } paymentGatewayNames
  totalPriceSet { ...Money } currentTotalPriceSet { ...Money } totalReceivedSet { ...Money }
  totalRefundedSet { ...Money } totalOutstandingSet { ...Money } netPaymentSet { ...Money }
  customer { id firstName lastName locale displayName
    defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } }
  shippingAddress { countryCodeV2 provinceCode }
  paymentTerms { id paymentTermsName paymentTermsType dueInDays due overdue order { id }
    paymentSchedules(first: 10) { nodes { id issuedAt dueAt due completedAt
      paymentTerms { id } balanceDue { amount } totalBalance { amount currencyCode } } } }
  paymentCollectionDetails { additionalPaymentCollectionUrl
    vaultedPaymentMethods { id paymentInstrument { __typename
      ... on VaultCreditCard { brand lastDigits expired expiryMonth expiryYear }
      ... on VaultPaypalBillingAgreement { inactive } } } }
  transactions(first: 25) { id kind status gateway processedAt errorCode test order { id }
    amountSet { ...Money } parentTransaction { id } }
  lineItems(first: 50) { nodes { id name title variantTitle sku quantity currentQuantity
      unfulfilledQuantity refundableQuantity requiresShipping customAttributes { key value }
      sellingPlan { sellingPlanId name } variant { id } product { id }
      originalUnitPriceSet { ...Money } discountedTotalSet { ...Money }
      discountAllocations { allocatedAmountSet { ...Money } } }
    pageInfo { hasNextPage endCursor } } } }
fragment Money on MoneyBag { shopMoney { amount currencyCode } presentmentMoney { amount } }"""


async def read(site, order):
    answer = await site.graphql(ORDER, {"id": gid("Order", order["id"])})
    assert "errors" not in answer, answer
    return answer["data"]["order"]


def amount(money_bag):
    assert money_bag["presentmentMoney"]["amount"] == money_bag["shopMoney"]["amount"]
    return money_bag["shopMoney"]["amount"]


async def test_everything_of_an_order_is_read(site):
    variant = variant_with(site)
    plan_id = await plan(site, variant)
    line = {"plan_id": plan_id, "quantity": 2, "discount": "9.90", "properties": {"Gift": "yes"}}
    placed = await buy(site, (variant, line), tags=["vip"], note="Ring twice")
    order = await read(site, placed)
    assert (order["name"], order["email"], order["tags"]) == ("#1001", "ana@example.com", ["vip"])
    assert order["customer"]["displayName"] == "Ana Silva"
    assert order["customer"]["defaultEmailAddress"] == {"emailAddress": "ana@example.com"}
    assert order["shippingAddress"]["countryCodeV2"] == "US"
    assert order["displayFinancialStatus"] == "PARTIALLY_PAID"
    assert (order["fullyPaid"], order["unpaid"], order["canMarkAsPaid"]) == (False, False, True)
    # As Shopify writes amounts: 1090.0, not 1090.00.
    assert amount(order["currentTotalPriceSet"]) == "1090.0"
    assert amount(order["totalReceivedSet"]) == amount(order["netPaymentSet"]) == "218.0"
    assert amount(order["totalOutstandingSet"]) == "872.0"
    terms = order["paymentTerms"]
    assert (terms["paymentTermsType"], terms["due"], terms["overdue"]) == ("FIXED", False, False)
    assert terms["order"]["id"] == order["id"]
    schedule = terms["paymentSchedules"]["nodes"][0]
    assert schedule["dueAt"] == "2100-01-01T00:00:00Z"
    assert schedule["balanceDue"]["amount"] == schedule["totalBalance"]["amount"] == "872.0"
    details = order["paymentCollectionDetails"]
    assert details["additionalPaymentCollectionUrl"] == placed["collection_url"]
    card = details["vaultedPaymentMethods"][0]["paymentInstrument"]
    assert (card["__typename"], card["expired"]) == ("VaultCreditCard", False)
    paid = order["transactions"][0]
    assert (paid["kind"], paid["status"], paid["errorCode"]) == ("SALE", "SUCCESS", None)
    row = order["lineItems"]["nodes"][0]
    assert row["sellingPlan"]["sellingPlanId"] == gid("SellingPlan", plan_id)
    assert row["customAttributes"] == [{"key": "Gift", "value": "yes"}]
    assert (row["title"], row["variantTitle"]) == ("Alpine Snowboard", "154")
    assert amount(row["discountedTotalSet"]) == "1090.0"
    assert amount(row["originalUnitPriceSet"]) == "549.95"
    assert amount(row["discountAllocations"][0]["allocatedAmountSet"]) == "9.9"


async def test_an_expired_card_is_shown_as_such_and_a_paid_order_has_no_address_to_pay_at(site):
    order = await read(site, await deposit_order(site, card="expired"))
    details = order["paymentCollectionDetails"]
    assert details["vaultedPaymentMethods"][0]["paymentInstrument"]["expired"] is True
    order = await read(site, await buy(site, (variant_with(site), {})))
    assert order["paymentCollectionDetails"]["additionalPaymentCollectionUrl"] is None
    assert order["paymentTerms"] is None


async def test_a_product_that_is_gone_leaves_its_line(site):
    variant = variant_with(site)
    placed = await buy(site, (variant, {}))
    await site.control("DELETE", f"products/{variant.product.id}")
    row = (await read(site, placed))["lineItems"]["nodes"][0]
    assert (row["variant"], row["product"], row["title"]) == (None, None, "Alpine Snowboard")


async def test_orders_are_found_by_when_they_were_updated(site):
    placed = [await buy(site, (variant_with(site), {})) for _ in range(3)]
    await site.control("POST", "clock", {"seconds": 3600})
    changed = await site.control("PATCH", f"orders/{placed[0]['id']}", {"tags": ["late"]})
    query = """query ($query: String, $after: String) {
      orders(first: 1, after: $after, query: $query, sortKey: UPDATED_AT) {
        nodes { id updatedAt } pageInfo { hasNextPage endCursor } } }"""
    found, after = [], None
    while True:
        page = (await site.graphql(query, {"query": "updated_at:>='2020-01-01'", "after": after}))[
            "data"
        ]["orders"]
        found += [each["id"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == [gid("Order", placed[number]["id"]) for number in (1, 2, 0)]
    since = f"updated_at:>='{changed['updated_at']}'"
    answer = await site.graphql(query, {"query": since})
    assert [each["id"] for each in answer["data"]["orders"]["nodes"]] == [found[-1]]
    answer = await site.graphql(query, {"query": "colour:red"})
    assert "cannot filter orders" in answer["errors"][0]["message"]


TAGS = """mutation ($id: ID!, $tags: [String!]!) {
  %s(id: $id, tags: $tags) { node { id ... on Order { tags } } userErrors { field message } } }"""


async def test_tags_are_added_and_removed_as_a_set(site, receiver):
    placed = await buy(site, (variant_with(site), {}), tags=["VIP"])
    await site.subscribe(receiver.uri, "ORDERS_UPDATED")
    variables = {"id": gid("Order", placed["id"]), "tags": ["preorder", "vip", "b, c"]}
    for _ in range(2):
        answer = await site.graphql(TAGS % "tagsAdd", variables)
        assert answer["data"]["tagsAdd"]["node"]["tags"] == ["VIP", "b", "c", "preorder"]
    answer = await site.graphql(TAGS % "tagsRemove", variables | {"tags": ["vip", "B", "none"]})
    assert answer["data"]["tagsRemove"]["node"]["tags"] == ["c", "preorder"]
    await site.idle()
    # What changes nothing is not told.
    assert [json.loads(body)["tags"] for _, body in receiver.taken].count("c, preorder") == 1
    assert len(receiver.taken) == 2
    gone = await site.graphql(TAGS % "tagsAdd", {"id": gid("Order", 1), "tags": ["x"]})
    problem = {"field": ["id"], "message": "Order does not exist"}
    assert gone["data"]["tagsAdd"] == {"node": None, "userErrors": [problem]}


MARK = """mutation ($input: OrderMarkAsPaidInput!) { orderMarkAsPaid(input: $input) {
  order { displayFinancialStatus } userErrors { field message } } }"""


async def test_an_order_is_marked_as_paid_once(site):
    placed = await deposit_order(site)
    variables = {"input": {"id": gid("Order", placed["id"])}}
    answer = await site.graphql(MARK, variables)
    assert answer["data"]["orderMarkAsPaid"]["order"]["displayFinancialStatus"] == "PAID"
    order = await again(site, placed)
    assert [each["gateway"] for each in order["transactions"]] == ["shopify_payments", "manual"]
    assert order["schedules"][0]["completed_at"] is not None
    answer = await site.graphql(MARK, variables)
    problem = answer["data"]["orderMarkAsPaid"]["userErrors"][0]
    assert problem == {"field": ["id"], "message": "Order cannot be marked as paid."}
    assert len((await again(site, placed))["transactions"]) == 2


MARKETS = """query ($first: Int!, $after: String) { markets(first: $first, after: $after) {
  nodes { id name status type conditions { regionsCondition { regions(first: 250) {
    nodes { id ... on MarketRegionCountry { code } } } } } }
  pageInfo { hasNextPage endCursor } } }"""


async def test_markets_name_their_countries(site):
    answer = await site.graphql(MARKETS, {"first": 250})
    found = {
        each["name"]: [
            row["code"] for row in each["conditions"]["regionsCondition"]["regions"]["nodes"]
        ]
        for each in answer["data"]["markets"]["nodes"]
    }
    assert found["Home"] == ["US"]
    assert {"DE", "FR"} < set(found["European Union"])
    assert {"JP", "GB"} < set(found["International"])
    every = [code for codes in found.values() for code in codes]
    assert len(every) == len(set(every))


@pytest.mark.parametrize(
    ("change", "status", "codes"),
    [({"enabled": False}, "DRAFT", ["US"]), ({"countries": ["US", "CA"]}, "ACTIVE", ["US", "CA"])],
)
async def test_a_changed_market_is_told_of(site, receiver, change, status, codes):
    await site.subscribe(receiver.uri, "MARKETS_UPDATE")
    (home, *_) = (await site.control("GET", "markets"))["markets"]
    await site.control("PATCH", f"markets/{home['id']}", change)
    await site.idle()
    assert json.loads(receiver.taken[0][1])["status"] == status.lower()
    query = """query ($id: ID!) { market(id: $id) { status conditions { regionsCondition {
      regions(first: 9) { nodes { ... on MarketRegionCountry { code } } } } } } }"""
    answer = await site.graphql(query, {"id": gid("Market", home["id"])})
    market = answer["data"]["market"]
    assert market["status"] == status
    nodes = market["conditions"]["regionsCondition"]["regions"]["nodes"]
    assert [each["code"] for each in nodes] == codes
