"""Whose count stops the sale: our limits, or Shopify's own stock."""

import pytest

from openstoq.preorders.variants.jobs import reconcile
from openstoq.web.storefront import offers
from openstoq.web.v1 import routes
from tests.factories.apps import client_of, make_app
from tests.factories.sandboxed import accepted, all_jobs_done, run, variant_in_shop
from tests.factories.shops import make_key
from tests.preorders.counters import counter, storefront

__all__ = ["counter", "storefront"]


async def test_shopifys_stock_stops_the_sale_and_our_limits_do_not(counter, market):
    await counter.limit(total=1, most=1)
    await counter.stock(3)
    assert await counter.cart(2) == ["sold_out"]
    assert await counter.provide("shopify") == "DENY"
    assert await counter.cart(3) == []
    assert await counter.cart(4) == ["sold_out"]
    assert await counter.is_shown_sold_out() == (False, False)
    order = await market.place((counter.variant, counter.plans["full"], 2))
    told = await market.read(order)
    assert told["exceeded"] == []
    await counter.hear()
    assert await counter.cart(1) == []
    assert await counter.cart(2) == ["sold_out"]
    await market.place((counter.variant, counter.plans["full"], 1))
    await counter.hear()
    assert (await counter.policy(), await counter.cart(1)) == ("DENY", ["sold_out"])
    assert await counter.is_shown_sold_out() == (True, True)
    body = {"lines": [{"variant_id": counter.variant, "plan_id": counter.plans["full"]}]}
    await counter.site.control("POST", "orders", body, status=422)
    await counter.stock(1)
    assert (await counter.cart(1), await counter.is_shown_sold_out()) == ([], (False, False))


async def test_our_limits_stop_the_sale_whatever_stock_there_is(counter, market):
    await counter.stock(0)
    await counter.limit(most=2)
    assert await counter.policy() == "CONTINUE"
    assert await counter.cart(2) == []
    await market.place((counter.variant, counter.plans["full"], 2))
    assert (await counter.policy(), await counter.cart(1)) == ("DENY", ["sold_out"])
    assert await counter.is_shown_sold_out() == (True, True)


async def test_limits_of_an_order_and_a_customer_stay_with_shopifys_stock(counter):
    await counter.stock(9)
    body = {"per_order": {"max": 3}, "per_customer": {"max": 2}}
    assert (await counter.client.patch(f"{counter.offer}/limits", json=body)).status_code == 202
    await counter.provide("shopify")
    assert await counter.cart(4) == ["above_maximum"]
    assert await counter.cart(3) == ["customer_limit"]
    assert await counter.cart(2) == []


async def test_a_variant_that_sold_on_does_so_again_once_our_limits_decide(counter):
    assert await counter.policy() == "CONTINUE"
    assert await counter.provide("shopify") == "DENY"
    assert await counter.provide("stoq") == "CONTINUE"


async def test_shopifys_stock_sells_what_has_no_count(counter, site):
    await counter.provide("shopify")
    await counter.stock(0)
    site.shop().variants[counter.variant].inventory_item.tracked = False
    await counter.hear()
    assert (await counter.cart(1000), await counter.is_shown_sold_out()) == ([], (False, False))


async def test_a_policy_that_would_sell_beyond_shopifys_stock_is_refused(counter, variants):
    await counter.provide("shopify")
    at = f"{counter.offer}/products"
    refused = await counter.client.post(
        f"{at}/bulk_toggle_inventory_policy", json={"policy": "CONTINUE"}
    )
    assert refused.status_code == 409
    assert "set_provider" in refused.text
    await accepted(counter.client, f"{counter.offer}/enable", update_inventory_policy=True)
    await accepted(counter.client, f"{at}/add_variants", variant_ids=variants)
    await all_jobs_done(counter.database)
    added = [(await variant_in_shop(counter.site, one))[1] for one in variants]
    assert set(added) == {"DENY"}


@pytest.fixture
async def v1(database, runtime, shop):
    key = await make_key(database, shop)
    app = make_app(runtime, routes=routes.routes(runtime))
    async with client_of(app, key, base="/api/v1") as opened:
        yield opened


async def other_offer(counter):
    """Make another live offer of the variant, which goes by our own limits."""
    made = await accepted(counter.client, "/preorders/offers", name="Other")
    at = f"/preorders/offers/{made['id']}"
    await accepted(counter.client, f"{at}/products/add_variants", variant_ids=[counter.variant])
    await all_jobs_done(counter.database)
    return at


async def test_v1_refuses_a_policy_that_would_sell_beyond_shopifys_stock(counter, v1):
    other = await other_offer(counter)
    await counter.provide("shopify")
    body = {"shopify_variant_ids": [counter.variant], "inventory_policy": "CONTINUE"}
    plan, other_plan = (at.rpartition("/offers")[2] for at in (counter.offer, other))
    for method, at, named in (
        ("POST", f"{plan}/bulk_toggle_inventory_policy", "send inventory_provider stoq"),
        ("DELETE", f"{other_plan}/remove_variant", f"sells {counter.variant}"),
    ):
        answer = await v1.request(method, f"/preorders{at}", json=body)
        assert (answer.status_code, named in answer.json()["error"]) == (422, True), answer.text
        assert await counter.policy() == "DENY"
    read = (await v1.get(f"/preorders{other_plan}")).json()
    assert read["shopify_variant_ids"] == [counter.variant]
    await accepted(counter.client, f"{counter.offer}/disable")
    removed = await v1.request("DELETE", f"/preorders{other_plan}/remove_variant", json=body)
    assert removed.json()["inventory_policy_updated"] is True
    assert await counter.policy() == "CONTINUE"


async def test_removed_from_the_only_plan_by_stock_a_variant_takes_any_policy(counter, v1):
    await counter.provide("shopify")
    body = {"shopify_variant_ids": [counter.variant], "inventory_policy": "CONTINUE"}
    plan = counter.offer.rpartition("/offers")[2]
    answer = await v1.request("DELETE", f"/preorders{plan}/remove_variant", json=body)
    assert (answer.status_code, answer.json()["inventory_policy_updated"]) == (200, True)
    assert await counter.policy() == "CONTINUE"


async def test_another_offer_sets_no_policy_that_sells_beyond_shopifys_stock(counter):
    other = await other_offer(counter)
    await counter.provide("shopify")
    started = await accepted(
        counter.client, f"{other}/products/bulk_toggle_inventory_policy", policy="CONTINUE"
    )
    await all_jobs_done(counter.database)
    job = await counter.client.get(f"/preorders/product_variants/jobs/{started['job_id']}")
    (failed,) = job.json()["failed"]
    assert (failed["id"], "shopify" in failed["error"]) == (str(counter.variant), True)
    for verb in ("enable", "disable", "enable"):
        await accepted(counter.client, f"{other}/{verb}", update_inventory_policy=True)
        if verb == "enable":
            # The one that was enabled last applies; the older one applies outside its markets.
            body = {"enabled": True, "market_ids": [7]}
            answer = await counter.client.patch(f"{other}/markets", json=body)
            assert answer.status_code == 202, answer.text
        assert await counter.policy() == "DENY"
    assert await counter.provide("stoq") == "CONTINUE"


async def test_the_watch_denies_what_should_go_by_shopifys_stock(counter):
    await counter.provide("shopify")
    async with counter.database.transaction(counter.shop.id) as db:
        # An older version has set it.
        await db.execute("UPDATE preorder_variants SET policy_asked = 'continue'")
    at = f"variants/{counter.variant}"
    await counter.site.control("PATCH", at, {"inventory_policy": "CONTINUE"})
    await counter.hear()
    here = f"/preorders/product_variants/{counter.variant}"
    drift = (await counter.client.get(here)).json()["drift"]
    assert drift == {"inventory_policy": {"expected": "DENY", "found": "CONTINUE"}}
    await run(counter.runtime, counter.shop, reconcile)
    assert await counter.policy() == "DENY"


async def test_a_policy_that_somebody_changes_is_drift_and_repaired(counter):
    await counter.provide("shopify")
    answer = await counter.client.patch(
        f"{counter.offer}/inventory", json={"continue_selling": {"enabled": False}}
    )
    assert answer.status_code == 202
    await all_jobs_done(counter.database)
    at = f"variants/{counter.variant}"
    await counter.site.control("PATCH", at, {"inventory_policy": "CONTINUE"})
    await counter.hear()
    here = f"/preorders/product_variants/{counter.variant}"
    drift = (await counter.client.get(here)).json()["drift"]
    assert drift == {"inventory_policy": {"expected": "DENY", "found": "CONTINUE"}}
    await accepted(counter.client, f"{here}/sync_metafields")
    assert await counter.policy() == "DENY"


async def test_units_leave_shopifys_stock_at_the_sale(counter, site):
    timing = "on_fulfillment"
    await accepted(
        counter.client, f"{counter.offer}/inventory/set_reservation_timing", timing=timing
    )
    await all_jobs_done(counter.database)
    plan = site.shop().plan(counter.plans["full"])
    assert plan.inventory_policy == {"reserve": "ON_FULFILLMENT"}
    await counter.provide("shopify")
    assert site.shop().plan(counter.plans["full"]).inventory_policy == {"reserve": "ON_SALE"}


async def test_the_theme_is_told_no_limit_that_does_not_apply(counter):
    await counter.limit(total=5, most=4)
    await all_jobs_done(counter.database)
    written, _ = await variant_in_shop(counter.site, counter.variant)
    assert written["preorder_max_count"] == "4"
    await counter.provide("shopify")
    written, _ = await variant_in_shop(counter.site, counter.variant)
    assert "preorder_max_count" not in written
    told = await counter.storefront.get(offers.PATH, params={"variant_id": counter.variant})
    assert told.json()["offer"]["limits"]["total"] == {"max": None}
    read = (await counter.client.get(f"{counter.offer}/limits")).json()
    assert read["total"] == {"max": 5}
