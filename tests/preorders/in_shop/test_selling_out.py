"""Variants that sell out stop in the shop and go on when there is more, whatever changed that."""

import pytest

from tests.factories.sandboxed import accepted, all_jobs_done, variant_in_shop


@pytest.fixture
async def selling(site, client, database, variants):
    """Ask for changes of the first variant, and tell its policy once the shop agrees."""

    class Selling:
        variant = variants[0]

        async def most(self, offer, **own):
            at = f"{offer}/products/variants/{self.variant}"
            assert (await client.patch(at, json=own)).status_code == 202
            return await self.policy()

        async def total(self, offer, most):
            answer = await client.patch(f"{offer}/limits", json={"total": {"max": most}})
            assert answer.status_code == 202
            return await self.policy()

        async def ask(self, offer, what, **body):
            await accepted(client, f"{offer}/{what}", **body)
            return await self.policy()

        async def another(self, **own):
            """Another offer of the variant, not enabled."""
            made = await accepted(client, "/preorders/offers", name="Another")
            at = f"/preorders/offers/{made['id']}"
            await accepted(client, f"{at}/products/add_variants", variant_ids=[self.variant])
            await all_jobs_done(database)
            if own:
                await self.most(at, **own)
            return at

        async def policy(self, of=None):
            await all_jobs_done(database)
            return (await variant_in_shop(site, of or self.variant))[1]

    return Selling()


async def buy(market, plans, variant):
    return await market.place((variant, plans["full"], 1))


@pytest.mark.parametrize("raised", [2, None])
async def test_a_variant_whose_most_is_raised_goes_on(selling, market, offer, plans, raised):
    assert await selling.most(offer, max_count=1) == "CONTINUE"
    await buy(market, plans, selling.variant)
    assert await selling.policy() == "DENY"
    assert await selling.most(offer, max_count=raised) == "CONTINUE"
    assert await selling.most(offer, max_count=1) == "DENY"


@pytest.mark.parametrize("raised", [2, None])
async def test_an_offer_whose_total_is_raised_goes_on(
    selling, market, offer, plans, variants, raised
):
    await selling.total(offer, 1)
    await buy(market, plans, selling.variant)
    assert await selling.policy() == await selling.policy(variants[1]) == "DENY"
    assert await selling.total(offer, raised) == await selling.policy(variants[1]) == "CONTINUE"
    assert await selling.total(offer, 1) == await selling.policy(variants[1]) == "DENY"


async def test_a_cancelled_order_lets_all_that_its_offer_sells_go_on(
    site, selling, market, offer, plans, variants
):
    await selling.total(offer, 1)
    await accepted(market.client, f"/preorders/product_variants/{variants[2]}/reset_metafields")
    order = await buy(market, plans, selling.variant)
    of_others = [await selling.policy(one) for one in variants[1:3]]
    assert [await selling.policy(), *of_others] == ["DENY"] * 3
    await market.ask(order, "cancel")
    of_others = [await selling.policy(one) for one in variants[1:3]]
    assert [await selling.policy(), *of_others] == ["CONTINUE"] * 3
    # What a merchant has taken off the page stays off it.
    assert (await variant_in_shop(site, variants[2]))[0] == {}


async def test_a_most_that_was_raised_while_the_offer_was_paused_counts_once_it_is_on(
    selling, market, offer, plans
):
    await selling.most(offer, max_count=1)
    await buy(market, plans, selling.variant)
    assert await selling.ask(offer, "disable") == "DENY"
    assert await selling.most(offer, max_count=2) == "DENY"
    assert await selling.ask(offer, "enable") == "CONTINUE"


async def test_an_offer_that_is_not_enabled_stops_nothing(selling, market, offer, plans):
    other = await selling.another(max_count=1)
    await buy(market, plans, selling.variant)
    assert await selling.policy() == "CONTINUE"
    assert await selling.ask(other, "enable") == "DENY"
    assert await selling.ask(other, "disable") == "CONTINUE"
    assert await selling.ask(other, "enable") == "DENY"
    assert await selling.ask(other, "discard") == "CONTINUE"


async def test_the_offer_that_applies_first_decides(selling, market, offer, plans, client):
    await selling.most(offer, max_count=1)
    other = await selling.another(max_count=5)
    await selling.ask(other, "enable")
    await buy(market, plans, selling.variant)
    assert await selling.policy() == "CONTINUE"
    gone = {"variant_ids": [selling.variant]}
    assert await selling.ask(other, "products/remove_variants", **gone) == "DENY"


async def test_what_is_sold_out_is_not_sold_on_by_being_attached_again(
    selling, market, offer, plans
):
    await selling.most(offer, max_count=1)
    await buy(market, plans, selling.variant)
    other = await selling.another()
    assert await selling.policy() == "DENY"
    # It says no most of its own, so the first offer's holds.
    assert await selling.ask(other, "enable") == "DENY"


async def test_a_policy_that_was_asked_for_stays_until_something_else_is_decided(
    selling, market, offer, plans
):
    toggle = "products/bulk_toggle_inventory_policy"
    await selling.most(offer, max_count=1)
    await buy(market, plans, selling.variant)
    assert await selling.ask(offer, toggle, policy="CONTINUE") == "CONTINUE"
    assert await selling.most(offer, shipping_text="In May") == "CONTINUE"
    assert await selling.ask(offer, toggle, policy="DENY") == "DENY"
    # Whoever asked for it has to ask for the other.
    assert await selling.most(offer, max_count=2) == "DENY"


async def test_what_did_not_sell_before_does_not_go_on(selling, market, offer, plans):
    await buy(market, plans, selling.variant)
    await selling.ask(offer, "disable", update_inventory_policy=True)
    assert await selling.ask(offer, "enable") == "DENY"
    await selling.most(offer, max_count=1)
    assert await selling.most(offer, max_count=2) == "DENY"
