"""An offer without Shopify's selling plans: its cart lines name it by a property."""

import html
import re

from tests.factories.sandboxed import accepted, all_jobs_done, plan_groups

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


async def bought(site, variant):
    """Buy a variant on its page as a theme sells it; return the order's line."""
    shop = site.shop()
    page = await site.http.get(
        shop.product_url(shop.variants[variant].product), params={"variant": variant}
    )
    assert page.status_code == 200, page.text
    form = {name: html.unescape(value) for name, value in _HIDDEN.findall(page.text)}
    answer = await site.http.post(
        f"{shop.url}/checkout", data={**form, "email": "shopper@example.com", "quantity": "1"}
    )
    assert answer.status_code == 303, answer.text
    (line,) = list(shop.orders.values())[-1].lines
    return line


async def test_a_detached_offers_lines_name_it(site, client, database, variants, worker):
    # The shop learns of the offer when it is complete: a group made before it was detached stays.
    await worker.stop()
    made = await accepted(client, "/preorders/offers", name="Detached")
    at = f"/preorders/offers/{made['id']}"
    await accepted(client, f"{at}/advanced/detach_from_shopify_selling_plan")
    await accepted(client, f"{at}/advanced/set_custom_line_item_property", text="Made for <you>")
    await accepted(client, f"{at}/shipping/set_shipping_text", text="In May")
    await accepted(client, f"{at}/products/add_variants", variant_ids=variants[:1])
    await accepted(client, f"{at}/enable")
    worker.start()
    await all_jobs_done(database)
    assert await plan_groups(site) == []
    line = await bought(site, variants[0])
    assert line.properties == {
        "_openstoq_offer": made["id"], "Shipping": "In May", "Note": "Made for <you>",
    }  # fmt: skip
    await accepted(client, f"{at}/disable")
    await all_jobs_done(database)
    assert (await bought(site, variants[0])).properties == {}


async def states(client, offer):
    """How far the shop agrees, with the offer and with each of its variants."""
    own = (await client.get(offer)).json()["sync"]["state"]
    told = (await client.get(f"{offer}/products/variants")).json()["variants"]
    return {own, *(one["sync"]["state"] for one in told)}


async def test_a_detached_offers_variants_wait_for_no_group(site, client, database, offer):
    assert await states(client, offer) == {"synced"}
    for action in (
        "advanced/detach_from_shopify_selling_plan",
        "disable",
        "enable",
        "advanced/attach_to_shopify_selling_plan",
        "disable",
    ):
        await accepted(client, f"{offer}/{action}")
        await all_jobs_done(database)
        assert await states(client, offer) == {"synced"}, action


async def test_a_variant_is_pending_until_its_metafields_are_written(
    client, database, offer, worker
):
    variant = (await client.get(f"{offer}/products/variants")).json()["variants"][0]
    here = f"{offer}/products/variants/{variant['shopify_variant_id']}"
    await worker.stop()
    changed = await client.patch(here, json={"shipping_text": "In August"})
    assert changed.json()["sync"]["state"] == "pending"
    worker.start()
    await all_jobs_done(database)
    assert (await client.get(here)).json()["sync"] == {"state": "synced", "error": None}
