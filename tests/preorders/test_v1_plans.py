"""Selling plans through v1, which read and write the same offers as v2."""

from uuid import UUID

import pytest

from openstoq.kernel.ids import new_id
from openstoq.preorders.offers import store
from openstoq.preorders.offers.attachments import resolve
from openstoq.preorders.offers.capabilities import CAPABILITIES
from openstoq.web.v1.plan_fields import SellingPlanInput
from tests.factories.catalogs import NOON, PRODUCT

DOCUMENTED = {
    "name": "Summer Preorder",
    "internal_name": "summer-2026",
    "enabled": True,
    "billing_type": "time_after_checkout",
    "billing_checkout_charge_type": "percentage",
    "billing_checkout_charge_percentage": 20,
    "delivery_type": "asap",
    "pricing_type": "no_discount",
    "preorder_button_text": "Preorder now",
    "preorder_badge_enabled": True,
    "preorder_badge_text": "Preorder",
    "product_variants_source": "custom",
}


async def created(v1, **fields):
    answer = await v1.post("/preorders", json={"selling_plan": DOCUMENTED | fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_the_documented_body_makes_the_documented_plan(v1):
    plan = await created(v1)
    assert {name: plan[name] for name in DOCUMENTED} == DOCUMENTED
    assert plan["selling_plan_product_variants_count"] == 0
    assert (plan["shopify_selling_plan_id"], plan["shopify_selling_plan_group_id"]) == (None, None)
    assert (plan["ongoing_job"], plan["shopify_variant_ids"]) == (False, [])
    assert set(SellingPlanInput.model_fields) <= set(plan)
    assert (await v1.get(f"/preorders/{plan['id']}")).json() == plan


async def test_v2_reads_what_v1_wrote(v1, client):
    plan = await created(v1, pricing_type="percentage", pricing_percentage=10)
    offer = (await client.get(f"/preorders/offers/{plan['id']}")).json()
    assert (offer["name"], offer["status"]) == ("Summer Preorder", "enabled")
    assert offer["payments"]["mode"] == "partial"
    assert offer["payments"]["options"]["partial"]["deposit"]["percent"] == 20
    assert offer["payments"]["discount"] == {"type": "percentage", "value": "10"}
    assert offer["widget"]["button"]["text"] == "Preorder now"


async def test_v1_reads_what_v2_wrote(v1, client, offer_id):
    at = f"/preorders/offers/{offer_id}"
    await client.post(f"{at}/payments/set_mode", json={"mode": "partial"})
    await client.post(f"{at}/payments/set_deposit_percent", json={"percent": 35})
    await client.post(f"{at}/shipping/set_delivery_date", json={"date": "2027-03-01"})
    await client.post(f"{at}/markets/set_markets", json={"market_ids": ["gid://shopify/Market/5"]})
    plan = (await v1.get(f"/preorders/{offer_id}.json")).json()
    assert plan["billing_checkout_charge_percentage"] == 35
    assert plan["billing_type"] == "time_after_checkout"
    assert (plan["delivery_type"], plan["delivery_at"]) == ("exact_time", "2027-03-01T00:00:00Z")
    assert (plan["markets_enabled"], plan["shopify_market_ids"]) == (True, [5])
    assert plan["market_id"] == 5


async def test_put_changes_what_was_sent(v1):
    plan = await created(v1)
    changed = await v1.put(
        f"/preorders/{plan['id']}",
        json={"selling_plan": {"enabled": False, "preorder_button_text": "Coming soon"}},
    )
    assert changed.status_code == 200
    expected = {**plan, "enabled": False, "preorder_button_text": "Coming soon"}
    assert changed.json() | {"updated_at": None} == expected | {"updated_at": None}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"billing_type": "exact_time"}, "billing_at"),
        ({"billing_after_n_intervals": None}, "billing_after_n_intervals"),
        ({"billing_checkout_charge_type": "price"}, "billing_checkout_charge_amount"),
        ({"billing_checkout_charge_percentage": 100.5}, "billing_checkout_charge_percentage"),
        ({"billing_checkout_charge_percentage": "15%"}, "billing_checkout_charge_percentage"),
        ({"pricing_type": "percentage"}, "pricing_percentage"),
        ({"pricing_type": "price"}, "pricing_amount"),
        ({"pricing_type": "fixed_amount", "pricing_percentage": 15}, "pricing_amount"),
        ({"pricing_percentage": 101}, "pricing_percentage"),
        ({"markets_enabled": True}, "shopify_market_ids"),
        ({"markets_enabled": True, "shopify_market_ids": []}, "shopify_market_ids"),
        ({"shopify_market_ids": [5, "x"]}, "shopify_market_ids"),
        ({"preorder_min_quantity": 5, "preorder_max_quantity": 3}, "preorder_min_quantity"),
        ({"preorder_min_quantity": 0}, "preorder_min_quantity"),
        ({"preorder_tags": "x" * 41}, "preorder_tags"),
        (
            {"preorder_button_description_border_radius": "round"},
            "preorder_button_description_border_radius",
        ),
        ({"name": None}, "name"),
        ({"delivery_type": "exact_time"}, "delivery_at"),
        ({"delivery_at": "0001-01-01T00:00:00+14:00"}, "delivery_at"),
        ({"billing_at": "9999-12-31T23:59:59-14:00"}, "billing_at"),
        ({"billing_checkout_charge_type": "cash"}, "billing_checkout_charge_type"),
        ({"preorder_badge_text_color": "red;}"}, "preorder_badge_text_color"),
        ({"product_variants_source": "collection"}, "product_variants_source_id"),
    ],
)
async def test_problems_are_422_by_field(v1, fields, named):
    answer = await v1.post("/preorders", json={"selling_plan": DOCUMENTED | fields})
    assert answer.status_code == 422, answer.text
    assert set(answer.json()) == {"errors"}
    assert list(answer.json()["errors"]) == [named]


async def test_no_plan_at_all_is_422(v1):
    answer = await v1.post("/preorders", json={})
    assert (answer.status_code, answer.json()) == (
        422,
        {"errors": {"selling_plan": ["is required"]}},
    )


SETTINGS = [
    ("payments/set_mode", {"mode": "full_and_partial"}),
    ("payments/set_mode", {"mode": "partial"}),
    ("payments/set_discount", {"type": "percentage", "value": "12.5"}),
    ("payments/set_discount", {"type": "price", "value": "9.9"}),
    ("shipping/set_delivery_date", {"date": "2027-03-01"}),
    ("shipping/set_delivery_window", {"days": 14}),
    ("markets/set_markets", {"market_ids": [5, 6]}),
    ("inventory/set_provider", {"provider": "shopify"}),
    ("widget/set_disclaimer_style", {"border_radius": 4}),
    ("widget/set_disclaimer_text", {"text": "Ships later"}),
    ("payments/set_option_copy", {"option_type": "partial", "billing_title": ""}),
    ("payments/set_mode", {"mode": "full"}),
    ("payments/set_discount", {"type": "no_discount"}),
]


async def test_what_is_read_may_be_sent_back(v1, client, offer_id):
    at = f"/preorders/{offer_id}"
    for action, body in (None, None), *SETTINGS:
        if action is not None:
            made = await client.post(f"/preorders/offers/{offer_id}/{action}", json=body)
            assert made.status_code == 202, made.text
        read = (await v1.get(at)).json()
        offer = (await client.get(f"/preorders/offers/{offer_id}")).json()
        assert set(SellingPlanInput.model_fields) <= set(read)
        put = await v1.put(at, json={"selling_plan": read})
        assert put.status_code == 200, (action, put.text)
        assert put.json() | {"updated_at": None} == read | {"updated_at": None}, action
        again = (await client.get(f"/preorders/offers/{offer_id}")).json()
        for name in (capability.name for capability in CAPABILITIES):
            assert again[name] == offer[name], (action, name)


async def test_a_deposit_of_a_price_may_be_sent_back(v1):
    fields = {"billing_checkout_charge_type": "price", "billing_checkout_charge_amount": "25.50 "}
    plan = await created(v1, **fields)
    put = await v1.put(f"/preorders/{plan['id']}", json={"selling_plan": plan})
    assert put.status_code == 200, put.text
    assert put.json()["billing_checkout_charge_amount"] == 25.5
    assert put.json() | {"updated_at": None} == plan | {"updated_at": None}


@pytest.mark.parametrize(
    "name",
    [
        "pricing_amount",
        "pricing_percentage",
        "billing_checkout_charge_amount",
        "billing_checkout_charge_percentage",
    ],
)
async def test_a_number_may_be_null_and_is_checked_otherwise(v1, name):
    plan = await created(v1, **{name: None})
    at = f"/preorders/{plan['id']}"
    assert (await v1.put(at, json={"selling_plan": {name: None}})).status_code == 200
    refused = await v1.put(at, json={"selling_plan": {name: -1}})
    assert (refused.status_code, refused.json()) == (
        422,
        {"errors": {name: ["must be at least 0"]}},
    )


async def test_the_provider_shopify_keeps_the_variants_it_has(v1, client, catalogue):
    plan = await created(v1, inventory_provider="shopify")
    at = f"/preorders/{plan['id']}"
    await v1.post(f"{at}/add_variant", json={"shopify_variant_ids": catalogue})
    before = (await v1.get(at)).json()
    for wish in (
        {"product_variants_source": "all"},
        {"product_variants_source": "collection", "product_variants_source_id": 5},
    ):
        refused = await v1.put(at, json={"selling_plan": wish})
        assert refused.status_code == 422, refused.text
        assert list(refused.json()["errors"]) == ["product_variants_source"]
        new = DOCUMENTED | {"inventory_provider": "shopify"} | wish
        assert (await v1.post("/preorders", json={"selling_plan": new})).status_code == 422
    assert (await v1.get(at)).json() == before
    both = {"inventory_provider": "stoq", "product_variants_source": "all"}
    assert (await v1.put(at, json={"selling_plan": both})).status_code == 200
    back = {"inventory_provider": "shopify", "product_variants_source": "all"}
    assert (await v1.put(at, json={"selling_plan": back})).status_code == 422
    forced = await v1.put(at, json={"selling_plan": {"inventory_provider": "shopify"}})
    assert forced.json()["product_variants_source"] == "custom"
    assert len((await v1.get("/preorders")).json()["selling_plans"]) == 1


async def test_the_variants_of_a_collection_stay_until_another_one_is_read(
    v1, client, catalogue, database, shop
):
    fields = {"product_variants_source": "collection", "product_variants_source_id": 5}
    plan = await created(v1, **fields)
    at, products = f"/preorders/{plan['id']}", f"/preorders/offers/{plan['id']}/products"
    block = {"auto_refresh": True, "excluded_variant_ids": catalogue[:1]}
    sent = {"source": "collection", "collection": block}
    assert (await client.patch(products, json=sent)).status_code == 202
    async with database.transaction(shop.id) as db:
        offer = await store.load(db, shop.id, UUID(plan["id"]), lock=True)
        await resolve.attach_products(db, shop.id, offer, [PRODUCT], NOON)
    put = await v1.put(at, json={"selling_plan": {"product_variants_source_id": 6}})
    assert (put.status_code, put.json()["ongoing_job"]) == (200, True)
    assert put.json()["shopify_variant_ids"] == catalogue[1:]
    now = (await client.get(products)).json()["collection"]
    assert now == {"collection_id": 6, "auto_refresh": True, "excluded_variant_ids": []}
    put = await v1.put(at, json={"selling_plan": {"product_variants_source": "all"}})
    assert put.json()["shopify_variant_ids"] == []
    assert (await client.get(products)).json()["variant_count"] == 0


async def test_variants_come_and_go(v1, catalogue):
    plan = await created(v1)
    at = f"/preorders/{plan['id']}"
    added = await v1.post(f"{at}/add_variant", json={"shopify_variant_ids": catalogue[:2]})
    assert added.json() == {
        "success": True,
        "message": "2 variants added to selling plan",
        "variants_added": catalogue[:2],
    }
    again = await v1.post(f"{at}/add_variant", json={"shopify_variant_ids": catalogue})
    assert again.status_code == 422
    assert again.json()["existing_variants"] == catalogue[:2]
    unknown = await v1.post(f"{at}/add_variant", json={"shopify_variant_ids": [999]})
    assert unknown.status_code == 422
    assert "999" in unknown.json()["error"]
    missing = await v1.post(f"{at}/add_variant", json={})
    assert missing.status_code == 400
    removed = await v1.delete(
        f"{at}/remove_variant",
        params={"shopify_variant_ids[]": [catalogue[0]], "inventory_policy": "DENY"},
    )
    assert removed.json() == {
        "success": True,
        "message": "1 variant removed",
        "variants_removed": [catalogue[0]],
        "inventory_policy_updated": True,
        "inventory_policy": "DENY",
    }
    nothing = await v1.delete(f"{at}/remove_variant?shopify_variant_ids={catalogue[0]}")
    assert nothing.status_code == 404
    odd = await v1.delete(
        f"{at}/remove_variant?shopify_variant_ids={catalogue[1]}&inventory_policy=MAYBE"
    )
    assert odd.status_code == 422
    assert (await v1.get(at)).json()["shopify_variant_ids"] == [catalogue[1]]


async def test_a_variant_has_its_own_settings(v1, catalogue):
    plan = await created(v1)
    at = f"/preorders/{plan['id']}"
    await v1.post(f"{at}/add_variant", json={"shopify_variant_ids": catalogue})
    body = {"shopify_variant_id": 21, "shipping_text": "July", "preorder_max_count": 100}
    changed = await v1.patch(f"{at}/update_variant_settings", json=body)
    assert changed.json() == {
        "success": True,
        "message": "Variant settings updated",
        "variant": body,
    }
    empty = await v1.patch(f"{at}/update_variant_settings", json={"shopify_variant_id": 21})
    assert empty.status_code == 400
    unknown = await v1.patch(
        f"{at}/update_variant_settings", json={"shopify_variant_id": 5, "shipping_text": "x"}
    )
    assert unknown.status_code == 404
    whole = (await v1.get(f"{at}/product_variants")).json()
    assert whole["meta"] == {"total_variants": 3, "total_units_sold": 0}
    assert [one["shipping_text"] for one in whole["product_variants"]] == [None, "July", None]
    one = (await v1.get(f"{at}/product_variants?shopify_variant_id=21")).json()
    assert one["product_variant"]["preorder_max_count"] == 100
    assert one["meta"] == {"total_units_sold": 0}
    both = await v1.get(f"{at}/product_variants?shopify_variant_id=21&shopify_product_id=10")
    assert both.status_code == 400
    absent = await v1.get(f"{at}/product_variants?shopify_variant_id=999")
    assert absent.status_code == 404


async def test_policies_are_queued(v1, catalogue):
    plan = await created(v1)
    at = f"/preorders/{plan['id']}/bulk_toggle_inventory_policy"
    body = {"shopify_variant_ids": catalogue, "inventory_policy": "CONTINUE"}
    queued = await v1.post(at, json=body)
    assert queued.json() == {
        "success": True,
        "message": "Inventory policy update queued",
        "variants_queued": catalogue,
    }
    assert (await v1.post(at, json=body | {"inventory_policy": "x"})).status_code == 422
    assert (await v1.post(at, json={"inventory_policy": "DENY"})).status_code == 400


async def test_a_deleted_plan_has_blocks_and_not_listed(v1):
    plan, other = await created(v1), await created(v1, name="Other")
    gone = await v1.delete(f"/preorders/{plan['id']}")
    assert gone.json() == {"success": True, "message": "Selling plan deleted"}
    listed = (await v1.get("/preorders", params={"name": "e"})).json()
    assert [one["id"] for one in listed["selling_plans"]] == [other["id"]]
    assert listed["meta"] == {"total_count": 1, "page": 1, "per_page": 25, "total_pages": 1}
    assert (await v1.get(f"/preorders/{plan['id']}")).json()["discarded_at"] is not None
    missing = await v1.get(f"/preorders/{new_id()}")
    assert (missing.status_code, missing.json()) == (404, {"error": "Selling plan not found"})
