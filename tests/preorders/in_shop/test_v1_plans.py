"""API v1's plans in the shop: an answer about a policy is the shop's own, and plans have its terms."""

from dataclasses import replace

import pytest

from openstoq.web.v1 import routes
from tests.factories.apps import client_of, make_app
from tests.factories.sandboxed import all_jobs_done, plan_groups, variant_in_shop
from tests.factories.shops import make_key


@pytest.fixture
async def v1_of(database, shop):
    key = await make_key(database, shop)

    def v1_of(runtime):
        return client_of(make_app(runtime, routes=routes.routes(runtime)), key, base="/api/v1")

    return v1_of


@pytest.fixture
async def v1(v1_of, runtime, client):
    async with v1_of(runtime) as opened:
        yield opened


@pytest.fixture
def hurried(runtime):
    """A runtime that does not wait for the shop."""
    http = runtime.settings.http.model_copy(update={"policy_seconds": 0})
    return replace(runtime, settings=runtime.settings.model_copy(update={"http": http}))


def removal(offer, variants):
    at = offer.removeprefix("/preorders/offers")
    return {
        "method": "DELETE",
        "url": f"/preorders{at}/remove_variant",
        "json": {"shopify_variant_ids": variants, "inventory_policy": "DENY"},
    }


async def policy_of(site, variant):
    return (await variant_in_shop(site, variant))[1]


async def test_a_removal_is_answered_when_the_shop_has_the_policy(site, v1, offer, variants):
    assert await policy_of(site, variants[0]) == "CONTINUE"
    answer = await v1.request(**removal(offer, variants[:2]))
    assert [await policy_of(site, one) for one in variants[:3]] == ["DENY", "DENY", "CONTINUE"]
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "success": True,
            "message": "2 variants removed",
            "variants_removed": sorted(variants[:2]),
            "inventory_policy_updated": True,
            "inventory_policy": "DENY",
        },
    )


async def test_a_removal_says_that_the_shop_does_not_have_the_policy_yet(
    site, v1, v1_of, hurried, worker, database, offer, variants
):
    await worker.stop()
    asked = removal(offer, variants[:1]) | {"headers": {"Idempotency-Key": "once"}}
    async with v1_of(hurried) as hasty:
        answer = await hasty.request(**asked)
    assert await policy_of(site, variants[0]) == "CONTINUE"
    assert answer.status_code == 200
    assert answer.json()["inventory_policy_updated"] is False
    assert "the shop has not taken it yet" in answer.json()["message"]
    worker.start()
    await all_jobs_done(database)
    assert await policy_of(site, variants[0]) == "DENY"
    again = await v1.request(**asked)
    assert again.json()["inventory_policy_updated"] is True


async def test_a_removal_says_that_a_variant_does_not_have_the_policy(
    site, v1, shop, database, offer, variants
):
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE variants SET deleted_at = now() WHERE id = $1", variants[0])
    answer = await v1.request(**removal(offer, variants[:2]))
    assert answer.json()["inventory_policy_updated"] is False
    said = f"2 variants removed, but the inventory policy is not DENY: {variants[0]}: "
    assert answer.json()["message"].startswith(said)
    assert [await policy_of(site, one) for one in variants[:2]] == ["CONTINUE", "DENY"]


async def test_a_percentage_with_decimals_is_the_shops(site, v1, database, worker):
    body = {
        "name": "Half a point",
        "billing_type": "time_after_checkout",
        "billing_checkout_charge_percentage": 12.5,
    }
    plan = (await v1.post("/preorders", json={"selling_plan": body})).json()
    await all_jobs_done(database)
    ((partial,),) = [group["plans"] for group in await plan_groups(site)]
    charge = partial["billing_policy"]["checkout_charge"]["value"]
    assert (charge, partial["options"]) == ({"percentage": 12.5}, ["12.5% deposit"])
    read = (await v1.get(f"/preorders/{plan['id']}")).json()
    assert read["billing_checkout_charge_percentage"] == 12.5
    whole = {"billing_checkout_charge_percentage": 100}
    await v1.put(f"/preorders/{plan['id']}", json={"selling_plan": whole})
    await all_jobs_done(database)
    ((full,),) = [group["plans"] for group in await plan_groups(site)]
    assert full["billing_policy"]["checkout_charge"]["value"] == {"percentage": 100.0}
    assert full["options"] == ["Pay in full"]


async def test_signups_move_only_to_a_variant_of_the_shop(site, v1, worker, variants):
    product = {one: site.shop().variants[one].product.id for one in variants}
    first, second = variants[0], variants[1]
    body = {"from_shopify_variant_id": first, "from_shopify_product_id": product[first]}
    form = {"shopify_variant_id": first, "shopify_product_id": product[first], "quantity": 1}
    shopper = {"email": "shopper@example.com"}
    signup = {"intent": form | {"channel": "email", "source": "api"}, "customer": shopper}
    assert (await v1.post("/intents", json=signup)).status_code == 201
    for target, product_id, named in (
        (999, product[second], "to_shopify_variant_id"),
        (second, 999, "to_shopify_product_id"),
    ):
        there = {"to_shopify_variant_id": target, "to_shopify_product_id": product_id}
        answer = await v1.post("/intents/transfer_signups", json=body | there)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [named])
    (kept,) = (await v1.get("/intents")).json()["intents"]
    assert kept["shopify_variant_id"] == first
    there = {"to_shopify_variant_id": second, "to_shopify_product_id": product[second]}
    moved = await v1.post("/intents/transfer_signups", json=body | there)
    assert (moved.status_code, moved.json()["transferred_count"]) == (200, 1)
