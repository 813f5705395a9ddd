"""The control API: what a merchant does, and how it refuses what cannot be done."""

from pathlib import Path

import pytest

from sandbox.site import NORTHWIND, SNOWDEVIL
from shopify_sandbox.control.routes import OPERATIONS


async def test_the_token_is_needed(site):
    for path in ("/control", f"/shops/{SNOWDEVIL}/control/products"):
        answer = await site.http.get(site.url + path, headers={"X-Sandbox-Token": "guess"})
        assert answer.status_code == 401


async def test_the_shops_are_listed(site):
    answer = await site.http.get(
        f"{site.url}/control", headers={"X-Sandbox-Token": "sandbox-control"}
    )
    shops = answer.json()["shops"]
    assert [each["domain"] for each in shops] == [SNOWDEVIL, NORTHWIND]
    assert shops[0]["url"] == f"{site.url}/shops/{SNOWDEVIL}"
    await site.control("GET", "products", domain="nobody.myshopify.com", status=404)


async def test_the_seeded_catalogue_has_something_sold_out_and_somewhere_else_in_stock(site):
    products = (await site.control("GET", "products"))["products"]
    stocks = [each["inventory_quantity"] for p in products for each in p["variants"]]
    assert len(products) == 8
    assert 0 in stocks
    assert max(stocks) > 10
    assert len((await site.control("GET", "locations"))["locations"]) == 2


async def test_a_product_is_created_with_its_variants(site):
    made = await site.control(
        "POST",
        "products",
        {
            "title": "Ski Goggles",
            "vendor": "Peak",
            "tags": ["winter"],
            "options": ["Lens", "Size"],
            "variants": [
                {"options": ["Amber", "M"], "price": "89", "sku": "G-1", "available": 4},
                {"options": ["Grey", "L"], "price": 95.5, "inventory_policy": "continue"},
            ],
        },
    )
    assert made["handle"] == "ski-goggles"
    first, second = made["variants"]
    assert (first["title"], first["price"], first["inventory_quantity"]) == (
        "Amber / M",
        "89.00",
        4,
    )
    assert second["inventory_policy"] == "CONTINUE"
    assert await site.control("GET", f"products/{made['id']}") == made
    changed = await site.control("PATCH", f"products/{made['id']}", {"status": "draft"})
    assert changed["status"] == "DRAFT"


async def test_many_variants_are_added_at_once_and_never_too_many(site):
    product = (await site.control("POST", "products", {"title": "Big"}))["id"]
    path = f"products/{product}/variants"
    added = await site.control("POST", path, {"count": 2047, "price": "3", "available": 1})
    assert len(added["variants"]) == 2047
    assert added["variants"][0]["title"] == "No. 2"
    refused = await site.control("POST", path, {"count": 1}, status=422)
    assert refused == {"errors": ["A product has at most 2048 variants."]}
    gone = added["variants"][5]["id"]
    await site.control("DELETE", f"variants/{gone}")
    await site.control("GET", f"variants/{gone}", status=404)


async def test_stock_is_set_at_a_location_or_at_the_first(site):
    variant = next(iter(site.shop().variants))
    first, second = site.shop().locations
    await site.control("POST", "stock", {"variant_id": variant, "available": 5})
    one = {"variant_id": str(variant), "location_id": second, "available": 2}
    two = {"variant_id": f"gid://shopify/ProductVariant/{variant}", "available": 6}
    answer = await site.control("POST", "stock", {"changes": [one, two]})
    assert answer["variants"][0]["stock"] == [
        {"location_id": first, "available": 6},
        {"location_id": second, "available": 2},
    ]


async def test_a_closed_location_does_not_count(site):
    variant = next(v for v in site.shop().variants.values() if v.inventory_quantity == 6)
    closed = next(iter(site.shop().locations))
    await site.control("PATCH", f"locations/{closed}", {"is_active": False})
    seen = await site.control("GET", f"variants/{variant.id}")
    assert seen["inventory_quantity"] == 2
    assert (await site.control("POST", "locations", {"name": "Third"}))["name"] == "Third"


STATUSES = "status must be one of ACTIVE, ARCHIVED, DRAFT."
COUNTRIES = "Each of countries must be a code such as DE."
TOPIC = "topic is for faults on webhooks; name an operation."


@pytest.mark.parametrize(
    ("method", "path", "body", "problems"),
    [
        ("POST", "products", {}, ["title is required."]),
        ("POST", "products", [], ["The body must be a JSON object."]),
        (
            "POST",
            "products",
            {"title": 3, "colour": "red"},
            [
                "title must be a text.",
                "colour is not a field of this request.",
            ],
        ),
        (
            "POST",
            "products",
            {"title": "Alpine Snowboard"},
            ["The handle alpine-snowboard is taken; choose another."],
        ),
        (
            "POST",
            "products",
            {"title": "A", "variants": [{"options": ["a", "b"]}]},
            ["options must hold 1 values, one per option of the product."],
        ),
        (
            "POST",
            "products",
            {"title": "A", "variants": [{"price": "-1"}]},
            ["price must be an amount such as 19.99."],
        ),
        (
            "POST",
            "stock",
            {"variant_id": "x", "available": 1},
            [
                "variant_id must be a Shopify id: a number, a numeric string or a gid://shopify/… id."
            ],
        ),
        ("POST", "stock", {"variant_id": 1}, ["available is required."]),
        ("POST", "stock", {"changes": {}}, ["changes must be a list."]),
        ("POST", "stock", {"changes": [5]}, ["Each of changes must be a JSON object."]),
        ("POST", "products", {"title": ""}, ["title must not be empty."]),
        ("POST", "products", {"title": "A", "tags": [1]}, ["Each of tags must be a text."]),
        ("POST", "products", {"title": "A", "status": "NEW"}, [STATUSES]),
        ("POST", "markets", {"name": "A", "countries": ["de"]}, [COUNTRIES]),
        ("POST", "clock", {"seconds": -1}, ["seconds must be at least 0."]),
        ("POST", "faults", {"fault": "hang", "count": 1.5}, ["count must be a whole number."]),
        ("POST", "faults", {"fault": "hang", "topic": "orders/paid"}, [TOPIC]),
        ("POST", "faults/release", {"reverse": 1}, ["reverse must be true or false."]),
        (
            "POST",
            "faults",
            {"on": "webhooks", "fault": "close"},
            ["fault must be one of duplicate, drop, hold, delay, corrupt_signature."],
        ),
        (
            "POST",
            "compliance",
            {},
            ["Start the sandbox with --compliance-url to send privacy topics."],
        ),
        ("GET", "deliveries?limit=many", None, ["limit must be a whole number above 0."]),
    ],
)
async def test_what_cannot_be_done_is_refused_in_sentences(site, method, path, body, problems):
    before = await site.control("GET", "products")
    answer = await site.control(method, path, body, status=422)
    assert answer == {"errors": problems}
    assert await site.control("GET", "products") == before


async def test_a_body_that_is_no_json_is_400(site):
    answer = await site.http.post(
        f"{site.url}/shops/{SNOWDEVIL}/control/stock",
        content=b"{",
        headers={"X-Sandbox-Token": "sandbox-control"},
    )
    assert (answer.status_code, answer.json()) == (400, {"errors": ["The body must be JSON."]})


async def test_an_unknown_variant_or_location_is_404(site):
    await site.control("POST", "stock", {"variant_id": 1, "available": 1}, status=404)
    variant = next(iter(site.shop().variants))
    elsewhere = {"variant_id": variant, "location_id": 5, "available": 1}
    await site.control("POST", "stock", elsewhere, status=404)


async def test_a_reset_brings_everything_back(site):
    before = {p["handle"] for p in (await site.control("GET", "products"))["products"]}
    northwind = site.shop(NORTHWIND)
    await site.control("DELETE", f"products/{next(iter(site.shop().products))}")
    await site.control("POST", "faults", {"fault": "close"})
    await site.control("POST", "reset")
    assert {p["handle"] for p in (await site.control("GET", "products"))["products"]} == before
    assert await site.control("GET", "faults") == {"graphql": [], "webhooks": []}
    assert site.shop(NORTHWIND) is northwind


def test_every_operation_is_documented():
    text = (Path(__file__).resolve().parents[2] / "docs" / "reference.md").read_text()
    for method, path, _ in OPERATIONS:
        shown = path.replace("{id:int}", "<id>").replace("{webhook_id}", "<webhook id>")
        lines = [each for each in text.splitlines() if f"/{shown}" in each]
        assert any(method in each for each in lines), f"{method} /{shown}"


async def test_the_ids_of_the_documents_examples_exist(site):
    assert site.shop().variants[8000001376256].product.handle == "canvas-tote"
    assert site.shop().products[9107199254741993].handle == "alpine-snowboard"
