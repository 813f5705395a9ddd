"""A selling plan group becomes what it should be, and each of its plans stays what it is."""

from dataclasses import replace
from decimal import Decimal

import pytest

from openstoq.commerce.plans import Plan, PlanGroup, SavedPlanGroup
from tests.commerce.in_sandbox.checkout import DEPOSIT

WHOLE = Plan(name="Whole", option="Whole", description=None, percent=Decimal(100))
PLANS = {"full": WHOLE, "partial": DEPOSIT}


def group(*names, **changed):
    return PlanGroup(
        name="Drop",
        merchant_code="drop-1",
        option_name="Pay",
        plans={name: changed.get(name, PLANS[name]) for name in names},
    )


@pytest.fixture
def charged(site):
    """Ask the shop what each plan of the group charges, by its id."""

    async def charged():
        told = await site.control("GET", "selling_plan_groups")
        (found,) = [one for one in told["selling_plan_groups"] if one["merchant_code"] == "drop-1"]
        return {
            plan["id"]: plan["billing_policy"]["checkout_charge"]["value"]["percentage"]
            for plan in found["plans"]
        }

    return charged


@pytest.fixture
async def both(shop):
    return await shop.save_plan_group(group("full", "partial"), None)


@pytest.mark.parametrize(("option", "charge"), [("full", 100.0), ("partial", 20.0)])
async def test_the_plan_of_the_option_that_stays_is_left(shop, charged, both, option, charge):
    saved = await shop.save_plan_group(group(option), both)
    assert saved == SavedPlanGroup(id=both.id, plan_ids={option: both.plan_ids[option]})
    assert await charged() == {both.plan_ids[option]: charge}


async def test_another_option_is_another_plan(shop, charged, both):
    one = await shop.save_plan_group(group("full"), both)
    other = await shop.save_plan_group(group("partial"), one)
    assert other.plan_ids["partial"] not in both.plan_ids.values()
    assert await charged() == {other.plan_ids["partial"]: 20.0}
    two = await shop.save_plan_group(group("full", "partial"), other)
    assert two.plan_ids["partial"] == other.plan_ids["partial"]
    assert await charged() == {two.plan_ids["full"]: 100.0, two.plan_ids["partial"]: 20.0}


async def test_a_plan_that_changes_stays_the_same_plan(shop, charged, both):
    cheaper = replace(DEPOSIT, name="Less", option="Less", percent=Decimal(10))
    saved = await shop.save_plan_group(group("full", "partial", partial=cheaper), both)
    assert saved == both
    assert await charged() == {both.plan_ids["full"]: 100.0, both.plan_ids["partial"]: 10.0}


async def test_plans_of_which_no_answer_told_are_known_by_what_they_say(shop, charged, both):
    assert await shop.save_plan_group(group("full", "partial"), None) == both
    saved = await shop.save_plan_group(group("partial"), None)
    assert saved.plan_ids == {"partial": both.plan_ids["partial"]}
    assert await charged() == {both.plan_ids["partial"]: 20.0}


@pytest.mark.parametrize("is_known", [True, False])
async def test_ids_that_the_shop_has_no_more_are_of_no_matter(shop, charged, both, is_known):
    stale = SavedPlanGroup(
        id=both.id if is_known else both.id + 10**6,
        plan_ids={name: number + 10**6 for name, number in both.plan_ids.items()},
    )
    assert await shop.save_plan_group(group("full", "partial"), stale) == both
    assert await charged() == {both.plan_ids["full"]: 100.0, both.plan_ids["partial"]: 20.0}


async def test_a_group_that_the_shop_lost_is_made_anew(shop, site, charged, both):
    await site.control("DELETE", f"selling_plan_groups/{both.id}")
    again = await shop.save_plan_group(group("full", "partial"), both)
    assert again.id != both.id
    assert not {*again.plan_ids.values()} & {*both.plan_ids.values()}
    assert await charged() == {again.plan_ids["full"]: 100.0, again.plan_ids["partial"]: 20.0}
