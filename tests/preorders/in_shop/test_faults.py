"""Offers in a shop that throttles, fails, loses answers and forgets: the end is right."""

import random
from dataclasses import replace

import pytest

from openstoq.preorders.orders.jobs import read_order
from openstoq.preorders.variants.jobs import reconcile
from tests.factories.patience import until
from tests.factories.sandboxed import (
    ATTEMPTS,
    accepted,
    all_jobs_done,
    plan_groups,
    run,
    shop_metafields,
    variant_in_shop,
)

OFFERS = 3
CHANGES = 25
FAULTS = (
    {"fault": "throttled"},
    {"fault": "status", "status": 503},
    {"fault": "status", "status": 429},
    {"fault": "close"},
    {"fault": "lose"},
    {"fault": "lose", "operation": "SellingPlanGroupCreate"},
    {"fault": "lose", "operation": "SellingPlanGroupUpdate"},
    {"fault": "lose", "operation": "SellingPlanGroupAttachVariants"},
    {"fault": "lose", "operation": "MetafieldsSet"},
)


async def test_a_lost_answer_makes_no_second_group(site, client, database, variants):
    fault = {"fault": "lose", "operation": "SellingPlanGroupCreate", "count": 3}
    await site.control("POST", "faults", fault)
    await accepted(client, "/preorders/offers", name="Once")
    await all_jobs_done(database)
    assert [group["name"] for group in await plan_groups(site)] == ["Once"]


async def test_what_was_written_without_an_answer_is_taken_back(
    site, client, database, offer, variants
):
    at = f"{offer}/products/variants/{variants[0]}"
    lost = {"fault": "lose", "operation": "MetafieldsSet", "count": ATTEMPTS}
    await site.control("POST", "faults", lost)
    assert (await client.patch(at, json={"shipping_text": "In May"})).status_code == 202

    async def is_given_up():
        written, _ = await variant_in_shop(site, variants[0])
        left = (await site.control("GET", "faults"))["graphql"]
        return "shipping_text" in written and left == []

    await until(is_given_up)
    assert (await client.patch(at, json={"shipping_text": None})).status_code == 202
    await all_jobs_done(database)
    assert "shipping_text" not in (await variant_in_shop(site, variants[0]))[0]


async def test_who_is_sold_out_stops_though_the_shop_takes_no_metafields(
    site, market, offer, plans, variants
):
    at = f"{offer}/products/variants/{variants[0]}"
    assert (await market.client.patch(at, json={"max_count": 1})).status_code == 202
    await all_jobs_done(market.database)
    refused = {"fault": "status", "status": 503, "operation": "MetafieldsSet", "count": 10_000}
    await site.control("POST", "faults", refused)
    order = await market.buy((variants[0], plans["full"], 1))
    await run(market.runtime, market.shop, read_order, order_id=order["id"])

    async def has_stopped():
        return (await variant_in_shop(site, variants[0]))[1] == "DENY"

    await until(has_stopped)
    assert (await variant_in_shop(site, variants[0]))[0]["preorder_count"] == "0"
    await site.control("DELETE", "faults")
    await all_jobs_done(market.database)
    assert (await variant_in_shop(site, variants[0]))[0]["preorder_count"] == "1"


async def test_a_metafield_that_somebody_added_is_taken_away_at_night(
    runtime, shop, site, client, database, offer, variants
):
    before, _ = await variant_in_shop(site, variants[0])
    kept = site.shop().metafields
    (one, *_) = kept.of(f"gid://shopify/ProductVariant/{variants[0]}")
    kept.put(replace(one, key="preorder_max_count", type="number_integer", value="3"))
    await run(runtime, shop, reconcile)
    await all_jobs_done(database)
    assert (await variant_in_shop(site, variants[0]))[0] == before


class Editor:
    """Changes offers at random, and the shop behind their back."""

    def __init__(self, seed, client, site, variants):
        self.chance = random.Random(seed)  # noqa: S311 - a seed that can be repeated
        self.client, self.site, self.variants = client, site, variants
        self.offers = []

    async def make(self):
        for number in range(OFFERS):
            made = await accepted(self.client, "/preorders/offers", name=f"Drop {number}")
            self.offers.append(f"/preorders/offers/{made['id']}")
            await self.add(self.offers[-1])
            await accepted(self.client, f"{self.offers[-1]}/enable")

    def some(self):
        return self.chance.sample(self.variants, self.chance.randint(1, 5))

    def word(self):
        return f"Word {self.chance.randrange(2)}"

    async def change(self):
        act = self.chance.choice(
            (self.add, self.remove, self.rename, self.say, self.ask, self.pause, self.plan)
        )
        await act(self.chance.choice(self.offers))

    async def add(self, offer):
        await accepted(self.client, f"{offer}/products/add_variants", variant_ids=self.some())

    async def remove(self, offer):
        # None of them may be attached, which is refused.
        body = {"variant_ids": self.some()}
        await self.client.post(f"{offer}/products/remove_variants", json=body)

    async def rename(self, offer):
        await self.client.patch(offer, json={"name": self.word()})

    async def say(self, offer):
        path = self.chance.choice(("widget/set_badge_text", "shipping/set_shipping_text"))
        await accepted(self.client, f"{offer}/{path}", text=self.word())

    async def ask(self, offer):
        mode = self.chance.choice(("full_and_partial", "full", "partial"))
        await accepted(self.client, f"{offer}/payments/set_mode", mode=mode)

    async def pause(self, offer):
        await accepted(
            self.client, f"{offer}/{self.chance.choice(('disable', 'enable', 'enable'))}"
        )

    async def plan(self, offer):
        way = self.chance.choice(("detach_from", "attach_to", "attach_to"))
        await accepted(self.client, f"{offer}/advanced/{way}_shopify_selling_plan")

    async def fail(self):
        fault = {**self.chance.choice(FAULTS), "count": self.chance.randint(1, 6)}
        await self.site.control("POST", "faults", fault)

    async def forget(self):
        """Lose or change something in the shop of which no webhook tells."""
        variant = self.chance.choice(self.variants)
        written = sorted((await variant_in_shop(self.site, variant))[0])
        there = await plan_groups(self.site)
        # Drawn in any case: how far the worker has come does not change what comes next.
        act, which = self.chance.randrange(3), self.chance.random()
        value, policy = self.chance.choice(("7", None)), self.chance.choice(("DENY", "CONTINUE"))
        match act:
            case 0 if there:
                lost = there[int(which * len(there))]["id"]
                await self.site.control("DELETE", f"selling_plan_groups/{lost}")
            case 1 if written:
                key = written[int(which * len(written))]
                body = {"namespace": "openstoq", "key": key, "value": value}
                # It may be gone by now.
                await self.site.ask("POST", f"variants/{variant}/metafields", body)
            case _:
                body = {"inventory_policy": policy}
                await self.site.control("PATCH", f"variants/{variant}", body)

    async def agrees(self):
        """Compare everything that the shop has with what the offers say."""
        read = [(await self.client.get(offer)).json() for offer in self.offers]
        there = await plan_groups(self.site)
        attached = {one: [] for one in self.variants}
        for offer, told in zip(self.offers, read, strict=True):
            assert told["sync"] == {"state": "synced", "error": None, "warning": None}
            listed = (
                await self.client.get(f"{offer}/products/variants", params={"per_page": 100})
            ).json()
            own = sorted(int(one["shopify_variant_id"]) for one in listed["variants"])
            live = told["status"] == "enabled"
            for one in own if live else ():
                attached[one].append(told["id"])
            if not told["advanced"]["use_shopify_selling_plan"]:
                continue
            (group,) = [one for one in there if one["merchant_code"].endswith(told["id"])]
            assert group["name"] == told["name"]
            assert group["variant_ids"] == (own if live else [])
            options = told["payments"]["options"].values()
            assert len(group["plans"]) == sum(one is not None for one in options)
        shown = (await shop_metafields(self.site))["selling_plans"]["offers"]
        assert set(shown) == {told["id"] for told in read if told["status"] == "enabled"}
        for told in read:
            if told["id"] in shown:
                assert shown[told["id"]]["widget"]["badge"] == told["widget"]["badge"]
        for variant, offers in attached.items():
            metafields, policy = await variant_in_shop(self.site, variant)
            context = await self.client.get(f"/preorders/product_variants/{variant}")
            assert bool(metafields) == bool(offers)
            if not context.is_success:
                assert offers == []
                continue
            about = context.json()
            assert metafields == about["metafields"]
            assert about["has_drifted"] is False
            for offer in offers:
                assert offer in metafields["selling_plan_ids"]
            if offers:
                assert policy == about["inventory_policy"] == "CONTINUE"


@pytest.fixture
async def editor(request, client, site, variants, database):
    editor = Editor(request.param, client, site, variants)
    await editor.make()
    await all_jobs_done(database)
    return editor


@pytest.mark.parametrize("editor", [112, 123], indirect=True)
async def test_what_fails_while_offers_change_is_made_up_for(editor, site, database):
    for _ in range(CHANGES):
        if editor.chance.random() < 0.7:
            await editor.fail()
        await editor.change()
        if editor.chance.random() < 0.2:
            await all_jobs_done(database)
    await site.control("DELETE", "faults")
    await all_jobs_done(database)
    await editor.agrees()


@pytest.mark.parametrize("editor", range(3), indirect=True)
async def test_what_the_shop_forgets_meanwhile_is_repaired_at_night(
    editor, runtime, shop, site, database
):
    for _ in range(CHANGES):
        if editor.chance.random() < 0.5:
            await editor.fail()
        if editor.chance.random() < 0.4:
            await editor.forget()
        await editor.change()
        if editor.chance.random() < 0.1:
            await run(runtime, shop, reconcile)
    await site.control("DELETE", "faults")
    await run(runtime, shop, reconcile)
    await all_jobs_done(database)
    await editor.agrees()
