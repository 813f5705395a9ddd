"""Manage a preorder's selling plan group, and the variants in it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from openstoq.commerce.plans import Plan, PlanGroup, SavedPlanGroup
from openstoq.commerce.port import CommerceRefused, GroupLost, Refusal
from openstoq.commerce.shopify.answers import reading
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.fields import Fields
from openstoq.commerce.shopify.pages import next_cursor
from openstoq.kernel.clock import rfc3339
from openstoq.kernel.ids import gid

MOST = 250
_LOST = frozenset({"GROUP_DOES_NOT_EXIST"})
_UNKNOWN = frozenset({"NOT_FOUND", "PRODUCT_VARIANT_DOES_NOT_EXIST"})


async def save(client: Client, group: PlanGroup, known: SavedPlanGroup | None) -> SavedPlanGroup:
    """Create the group, or update it to match `group`; find a lost group by its merchant code.

    Each plan offers one payment option. An existing plan keeps its option, because carts and orders
    refer to the plan by id. If an option is no longer wanted, its plan is deleted. A new option
    gets a new plan.
    """
    group_id = known.id if known else None
    present = await _plans(client, group_id) if group_id is not None else None
    if present is None:
        group_id = await _find(client, group.merchant_code)
        present = await _plans(client, group_id) if group_id is not None else None
    if group_id is None or present is None:
        return await _create(client, group)
    return await _update(client, group_id, group, present, _kept(group, known, present))


async def add(client: Client, group_id: int, variant_ids: Sequence[int]) -> dict[int, str]:
    """Add variants to a group; return the reason for each variant that could not be added."""
    failures: dict[int, str] = {}
    for start in range(0, len(variant_ids), MOST):
        await _add_some(client, group_id, list(variant_ids[start : start + MOST]), failures)
    return failures


async def remove(client: Client, group_id: int, variant_ids: Sequence[int]) -> None:
    """Remove variants in batches; a variant or group that no longer exists is ignored."""
    for start in range(0, len(variant_ids), MOST):
        batch = list(variant_ids[start : start + MOST])
        answer = await client.execute(
            "SellingPlanGroupDetachVariants",
            id=gid("SellingPlanGroup", group_id),
            productVariantIds=[gid("ProductVariant", one) for one in batch],
        )
        try:
            answer.payload("sellingPlanGroupRemoveProductVariants")
        except CommerceRefused as refused:
            if not _codes(refused.refusals) <= _LOST | _UNKNOWN:
                raise
            if len(batch) > 1 and not _codes(refused.refusals) & _LOST:
                # One deleted variant must not keep the others in the group.
                for one in batch:
                    await remove(client, group_id, [one])


async def members(client: Client, group_id: int) -> set[int] | None:
    """Read the variants of a group; return None if the group does not exist."""
    found: set[int] = set()
    after: str | None = None
    while True:
        answer = await client.execute(
            "SellingPlanGroupVariantsPage",
            id=gid("SellingPlanGroup", group_id),
            first=MOST,
            after=after,
        )
        with reading("SellingPlanGroupVariantsPage"):
            told = answer.whole()
            if not told.has("sellingPlanGroup"):
                return None
            page = told.inside("sellingPlanGroup").inside("productVariants")
            found |= {node.id("id") for node in page.each("nodes")}
            after = next_cursor(page)
        if after is None:
            return found


async def _add_some(
    client: Client, group_id: int, batch: list[int], failures: dict[int, str]
) -> None:
    """Add up to 250 variants to a group; store the reason for each refused variant in `failures`.

    If Shopify refuses the batch, its halves are sent again, until the refused variants are found.
    """
    answer = await client.execute(
        "SellingPlanGroupAttachVariants",
        id=gid("SellingPlanGroup", group_id),
        productVariantIds=[gid("ProductVariant", one) for one in batch],
    )
    try:
        answer.payload("sellingPlanGroupAddProductVariants")
    except CommerceRefused as refused:
        if _codes(refused.refusals) & _LOST:
            raise GroupLost(str(refused), refusals=refused.refusals) from None
        if len(batch) > 1:
            half = len(batch) // 2
            await _add_some(client, group_id, batch[:half], failures)
            await _add_some(client, group_id, batch[half:], failures)
        elif _codes(refused.refusals) != {"TAKEN"}:
            failures[batch[0]] = "; ".join(each.message for each in refused.refusals)


async def _plans(client: Client, group_id: int) -> dict[int, tuple[str, ...]] | None:
    """Return the options of each plan of a group, keyed by the plan's id.

    Returns None if the group does not exist.
    """
    answer = await client.execute("SellingPlanGroupRead", id=gid("SellingPlanGroup", group_id))
    with reading("SellingPlanGroupRead"):
        told = answer.whole()
        if not told.has("sellingPlanGroup"):
            return None
        plans = told.inside("sellingPlanGroup").inside("sellingPlans").each("nodes")
        return {plan.id("id"): plan.texts("options") for plan in plans}


async def _find(client: Client, merchant_code: str) -> int | None:
    """Return the id of the group with a merchant code, or None if there is no such group.

    All groups are read, because Shopify cannot filter them by merchant code.
    """
    after: str | None = None
    while True:
        answer = await client.execute("SellingPlanGroupsPage", first=MOST, after=after)
        with reading("SellingPlanGroupsPage"):
            page = answer.whole().inside("sellingPlanGroups")
            for node in page.each("nodes"):
                if node.text("merchantCode") == merchant_code:
                    return node.id("id")
            after = next_cursor(page)
        if after is None:
            return None


async def _create(client: Client, group: PlanGroup) -> SavedPlanGroup:
    plans = [input_of(plan, position) for position, plan in enumerate(group.plans.values(), 1)]
    answer = await client.execute(
        "SellingPlanGroupCreate",
        once=True,
        input=_group_input(group) | {"sellingPlansToCreate": plans},
    )
    with reading("SellingPlanGroupCreate"):
        return _saved(answer.payload("sellingPlanGroupCreate"), group, {})


def _kept(
    group: PlanGroup, known: SavedPlanGroup | None, present: Mapping[int, tuple[str, ...]]
) -> dict[str, int]:
    """Return the ids of the plans in `group` that already exist in the shop, keyed by our names.

    `present` maps the ids of the plans in the shop to their options. `known` contains the ids that
    we received, by name. A plan whose id we never received, because the response was lost, is
    recognised by its option.
    """
    remembered = known.plan_ids if known else {}
    ours = {name: number for name, number in remembered.items() if number in present}
    said = {
        name: number
        for name, plan in group.plans.items()
        for number, options in present.items()
        if options == (plan.option,) and number not in ours.values()
    }
    return {name: number for name, number in {**said, **ours}.items() if name in group.plans}


async def _update(
    client: Client,
    group_id: int,
    group: PlanGroup,
    present: Iterable[int],
    kept: Mapping[str, int],
) -> SavedPlanGroup:
    places = {name: place for place, name in enumerate(group.plans, 1)}
    changes = {
        "sellingPlansToUpdate": [
            input_of(group.plans[name], places[name]) | {"id": gid("SellingPlan", number)}
            for name, number in kept.items()
        ],
        "sellingPlansToCreate": [
            input_of(plan, places[name]) for name, plan in group.plans.items() if name not in kept
        ],
        "sellingPlansToDelete": [
            gid("SellingPlan", number) for number in present if number not in kept.values()
        ],
    }
    answer = await client.execute(
        "SellingPlanGroupUpdate",
        # If it were sent twice, new plans would be created twice.
        once=True,
        id=gid("SellingPlanGroup", group_id),
        input=_group_input(group) | {name: plans for name, plans in changes.items() if plans},
    )
    with reading("SellingPlanGroupUpdate"):
        return _saved(answer.payload("sellingPlanGroupUpdate"), group, kept)


def _saved(payload: Fields, group: PlanGroup, kept: Mapping[str, int]) -> SavedPlanGroup:
    told = payload.inside("sellingPlanGroup")
    plans = _in_order(told.inside("sellingPlans").each("nodes"))
    made = [number for plan in plans if (number := plan.id("id")) not in kept.values()]
    new = zip((name for name in group.plans if name not in kept), made, strict=False)
    return SavedPlanGroup(id=told.id("id"), plan_ids={**kept, **dict(new)})


def _in_order(plans: Iterable[Fields]) -> list[Fields]:
    return sorted(plans, key=lambda plan: plan.count("position"))


def _group_input(group: PlanGroup) -> dict[str, Any]:
    return {
        "name": group.name,
        "merchantCode": group.merchant_code,
        "options": [group.option_name],
        "position": 1,
    }


def input_of(plan: Plan, position: int) -> dict[str, Any]:
    """Convert a plan to Shopify's SellingPlanInput."""
    delivery: dict[str, Any] = {"fulfillmentTrigger": _TRIGGERS[plan.delivery]}
    if plan.delivery == "exact":
        delivery["fulfillmentExactTime"] = _time(plan.delivered_at)
    return {
        "name": plan.name,
        "description": plan.description or "",
        "category": "PRE_ORDER",
        "options": [plan.option],
        "position": position,
        "billingPolicy": {"fixed": _billing(plan)},
        "deliveryPolicy": {"fixed": delivery},
        "inventoryPolicy": {"reserve": plan.reserve.upper()},
        "pricingPolicies": _pricing(plan),
    }


_TRIGGERS = {"asap": "ASAP", "exact": "EXACT_TIME", "unknown": "UNKNOWN"}


def _billing(plan: Plan) -> dict[str, Any]:
    if plan.amount is not None:
        charge = {"type": "PRICE", "value": {"fixedValue": str(plan.amount)}}
    else:
        charge = {"type": "PERCENTAGE", "value": {"percentage": float(plan.percent)}}
    if plan.balance_on_fulfillment:
        due: dict[str, Any] = {"remainingBalanceChargeTrigger": "ON_FULFILLMENT"}
    elif plan.balance_at is not None:
        due = {
            "remainingBalanceChargeTrigger": "EXACT_TIME",
            "remainingBalanceChargeExactTime": _time(plan.balance_at),
        }
    elif plan.balance_days is not None:
        due = {
            "remainingBalanceChargeTrigger": "TIME_AFTER_CHECKOUT",
            "remainingBalanceChargeTimeAfterCheckout": f"P{plan.balance_days}D",
        }
    else:
        due = {"remainingBalanceChargeTrigger": "NO_REMAINING_BALANCE"}
    return {"checkoutCharge": charge, **due}


def _pricing(plan: Plan) -> list[dict[str, Any]]:
    if plan.discount is None:
        return []
    kind, value = plan.discount
    worth = {"percentage": float(value)} if kind == "percentage" else {"fixedValue": str(value)}
    return [{"fixed": {"adjustmentType": kind.upper(), "adjustmentValue": worth}}]


def _time(moment: datetime | None) -> str:
    if moment is None:
        raise ValueError("an exact time needs one")
    return rfc3339(moment)


def _codes(refusals: Sequence[Refusal]) -> set[str | None]:
    return {refusal.code for refusal in refusals}
