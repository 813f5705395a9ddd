"""Reading a shop: tokens, pages, cursors, filters and errors, as Shopify would answer."""

import pytest

from sandbox.site import NORTHWIND

PRODUCTS = """query ($first: Int, $last: Int, $after: String, $before: String, $query: String,
  $sortKey: ProductSortKeys, $reverse: Boolean) {
  products(first: $first, last: $last, after: $after, before: $before, query: $query,
    sortKey: $sortKey, reverse: $reverse) {
    edges { cursor }
    nodes { id title updatedAt }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }"""


async def test_a_wrong_token_is_401_in_shopifys_shape(site):
    answer = await site.post("{ shop { id } }", token="wrong")
    assert answer.status_code == 401
    assert answer.json()["errors"].startswith("[API] Invalid API key or access token")


async def test_an_unknown_shop_or_version_is_404(site):
    assert (await site.post("{ shop { id } }", domain="nobody.myshopify.com")).status_code == 404
    old = await site.http.post(f"{site.url}/shops/{NORTHWIND}/admin/api/2019-04/graphql.json")
    assert old.status_code == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"query": 3}', b"\xff\xfe", b"{"])
async def test_a_body_without_a_query_is_400(site, body):
    answer = await site.http.post(
        f"{site.url}/shops/{NORTHWIND}/admin/api/2026-07/graphql.json",
        content=body,
        headers={"X-Shopify-Access-Token": "shpat_sandbox"},
    )
    assert answer.status_code == 400


async def test_each_shop_shows_its_own_facts(site):
    query = "{ shop { name currencyCode plan { shopifyPlus } } productsCount { count } }"
    snowdevil = (await site.graphql(query))["data"]
    northwind = (await site.graphql(query, domain=NORTHWIND))["data"]
    assert (snowdevil["shop"]["name"], northwind["shop"]["name"]) == ("Snowdevil", "Northwind Home")
    assert northwind["shop"]["plan"]["shopifyPlus"] is True
    assert (snowdevil["productsCount"]["count"], northwind["productsCount"]["count"]) == (8, 6)


async def test_ids_beyond_2_53_keep_their_digits(site):
    nodes = (await site.graphql(PRODUCTS, {"first": 250}))["data"]["products"]["nodes"]
    assert "gid://shopify/Product/9107199254741993" in {each["id"] for each in nodes}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("sort_key", ["ID", "TITLE", "UPDATED_AT"])
@pytest.mark.parametrize(("size", "cursor"), [("first", "after"), ("last", "before")])
async def test_pages_put_together_are_the_whole_list(site, size, cursor, sort_key, reverse):
    order = {"sortKey": sort_key, "reverse": reverse}
    whole = (await site.graphql(PRODUCTS, {"first": 250, **order}))["data"]["products"]["nodes"]
    forward = size == "first"
    pages, at = [], None
    for _ in range(4):
        answer = await site.graphql(PRODUCTS, {size: 3, cursor: at, **order})
        page = answer["data"]["products"]
        pages = [*pages, *page["nodes"]] if forward else [*page["nodes"], *pages]
        about = page["pageInfo"]
        at = about["endCursor" if forward else "startCursor"]
        if not about["hasNextPage" if forward else "hasPreviousPage"]:
            break
    assert pages == whole
    assert len(whole) == 8


async def test_a_cursor_survives_what_comes_and_goes(site):
    first = (await site.graphql(PRODUCTS, {"first": 2}))["data"]["products"]
    gone = first["nodes"][1]["id"].rsplit("/", 1)[1]
    await site.control("DELETE", f"products/{gone}")
    cursor = first["pageInfo"]["endCursor"]
    rest = (await site.graphql(PRODUCTS, {"first": 250, "after": cursor}))["data"]["products"]
    assert len(rest["nodes"]) == 6
    assert rest["pageInfo"]["hasPreviousPage"] is True


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, "you must provide one of first or last"),
        ({"first": 1, "last": 1}, "providing both first and last is not supported"),
        ({"first": 251}, "first and last must be between 0 and 250, got 251"),
        ({"first": 1, "after": "bm90IGEgY3Vyc29y"}, "Invalid cursor for current pagination sort."),
        ({"first": 1, "query": "colour:red"}, "The sandbox shop cannot filter products by"),
        ({"first": 1, "query": "updated_at:>yesterday"}, "'yesterday' is not a value that"),
    ],
)
async def test_a_page_that_cannot_be_given_is_an_error(site, variables, sentence):
    answer = await site.graphql(PRODUCTS, variables)
    assert answer["data"] is None
    assert answer["errors"][0]["message"].startswith(sentence)
    assert answer["errors"][0]["path"] == ["products"]


async def test_only_what_changed_since_is_found(site):
    shop = site.shop()
    newest = next(iter(shop.products.values()))
    # Records are dated to the second, so the change is dated a little later than all else.
    clock = shop.clock
    later = clock().replace(year=2090, month=6, day=1)
    shop.clock = lambda: later
    await site.control("PATCH", f"products/{newest.id}", {"title": "Changed"})
    for query, count in (
        ("updated_at:>='2089-12-31T00:00:00Z'", 1),
        (f"updated_at:>'{later.isoformat()}'", 0),
        ("updated_at:<2089-12-31", 7),
        (f"updated_at:>'2089-12-31' AND id:{newest.id}", 1),
        ("vendor:'peak knitwear' status:active", 2),
    ):
        found = await site.graphql(
            PRODUCTS, {"first": 250, "query": query, "sortKey": "UPDATED_AT"}
        )
        assert len(found["data"]["products"]["nodes"]) == count, query


async def test_stock_of_all_variants_is_read_page_by_page(site):
    query = """query ($after: String) { inventoryItems(first: 7, after: $after) {
      nodes { id variants(first: 1) { nodes { id } } inventoryLevels(first: 5) {
        nodes { location { name } quantities(names: ["available"]) { quantity } } } }
      pageInfo { hasNextPage endCursor } } }"""
    seen, after, more = {}, None, True
    while more:
        page = (await site.graphql(query, {"after": after}))["data"]["inventoryItems"]
        for each in page["nodes"]:
            seen[each["id"]] = sum(
                level["quantities"][0]["quantity"] for level in each["inventoryLevels"]["nodes"]
            )
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    shop = site.shop()
    assert seen == {
        f"gid://shopify/InventoryItem/{item.id}": item.variant.inventory_quantity
        for item in shop.items.values()
    }


@pytest.mark.parametrize(
    ("query", "code", "sentence"),
    [
        ("{ shop { nope } }", "undefinedField", "Field 'nope' doesn't exist on type 'Shop'"),
        (
            "{ product { id } }",
            "missingRequiredArguments",
            "Field 'product' is missing required arguments: id",
        ),
        (
            "{ shop(a: 1) { id } }",
            "argumentNotAccepted",
            "Field 'shop' doesn't accept argument 'a'",
        ),
    ],
)
async def test_a_document_that_does_not_fit_is_refused(site, query, code, sentence):
    answer = await site.graphql(query)
    assert "data" not in answer
    assert (answer["errors"][0]["message"], answer["errors"][0]["extensions"]["code"]) == (
        sentence,
        code,
    )


async def test_a_document_that_is_no_graphql_is_refused(site):
    assert "Syntax Error" in (await site.graphql("{ shop {"))["errors"][0]["message"]
    two = "query A { shop { id } } query B { shop { id } }"
    assert (await site.graphql(two))["errors"][0]["message"] == "An operation name is required"
    unknown = await site.graphql(two, operationName="C")
    assert unknown["errors"][0]["message"] == 'No operation named "C"'


async def test_a_variable_that_does_not_fit_names_each_problem(site):
    answer = await site.graphql(
        """mutation ($input: InventorySetQuantitiesInput!) {
          inventorySetQuantities(input: $input) @idempotent(key: "a") { userErrors { message } } }""",
        {"input": {"name": "available", "ignoreCompareQuantity": True, "quantities": []}},
    )
    error = answer["errors"][0]
    assert error["extensions"]["code"] == "INVALID_VARIABLE"
    assert error["extensions"]["problems"] == [
        {
            "path": ["ignoreCompareQuantity"],
            "explanation": "Field is not defined on InventorySetQuantitiesInput",
        },
        {"path": ["reason"], "explanation": "Expected value to not be null"},
    ]
    assert error["message"].startswith(
        "Variable $input of type InventorySetQuantitiesInput! was provided invalid value for "
        "ignoreCompareQuantity (Field is not defined on InventorySetQuantitiesInput)"
    )


async def test_more_than_250_ids_are_refused(site):
    answer = await site.graphql(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        {"ids": ["gid://shopify/Product/1"] * 251},
    )
    assert answer["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"


async def test_a_record_of_another_shop_does_not_exist(site):
    foreign = next(iter(site.shop(NORTHWIND).products))
    query = "query ($id: ID!) { product(id: $id) { id } node(id: $id) { id } }"
    answer = await site.graphql(query, {"id": f"gid://shopify/Product/{foreign}"})
    assert answer["data"] == {"product": None, "node": None}
    assert "Invalid global id" in str(await site.graphql(query, {"id": "nonsense"}))
