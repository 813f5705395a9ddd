"""Inputs of selling plans: their validation, and the conversion into plans."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from shopify_sandbox.admin.errors import UserProblem
from shopify_sandbox.records.plans import Policy, SellingPlan
from shopify_sandbox.shop import Shop

WHOLE = 100
Field = tuple[str, ...]


def problems(given: dict[str, Any], field: Field, *, is_new: bool) -> Iterator[UserProblem]:
    """Yield the problems of a selling plan's input.

    `field` is the path to this input in the request. If the plan is new (`is_new`), all
    required fields must be given.
    """
    if is_new and not given.get("name"):
        yield UserProblem("Name can't be blank", (*field, "name"), "BLANK")
    if is_new and not given.get("options"):
        yield UserProblem("Options can't be blank", (*field, "options"), "BLANK")
    billing, delivery = given.get("billing_policy"), given.get("delivery_policy")
    if is_new and not billing:
        yield UserProblem(
            "Selling plan must have a billing policy.", field, "SELLING_PLAN_BILLING_POLICY_MISSING"
        )
    if is_new and not delivery:
        yield UserProblem(
            "Selling plan must have a delivery policy.",
            field,
            "SELLING_PLAN_DELIVERY_POLICY_MISSING",
        )
    if billing:
        yield from _billing(billing.get("fixed") or {}, (*field, "billingPolicy", "fixed"))
    if delivery:
        yield from _delivery(delivery.get("fixed") or {}, (*field, "deliveryPolicy", "fixed"))
    policies = given.get("pricing_policies") or []
    if len(policies) > 1:
        yield UserProblem(
            "Selling plans can't have more than one fixed pricing policy.",
            (*field, "pricingPolicies"),
            "SELLING_PLAN_FIXED_PRICING_POLICIES_LIMIT",
        )
    for index, policy in enumerate(policies):
        place = (*field, "pricingPolicies", str(index), "fixed")
        yield from _pricing(policy.get("fixed") or {}, place)


def _billing(fixed: dict[str, Any], field: Field) -> Iterator[UserProblem]:
    charge = fixed.get("checkout_charge") or {"type": "PERCENTAGE", "value": {"percentage": 100}}
    value = charge.get("value") or {}
    is_percentage = charge["type"] == "PERCENTAGE"
    if is_percentage != ("percentage" in value):
        yield UserProblem(
            "Checkout charge value and type must match.",
            (*field, "checkoutCharge"),
            "CHECKOUT_CHARGE_VALUE_AND_TYPE_MUST_MATCH",
        )
        return
    trigger = fixed.get("remaining_balance_charge_trigger") or "NO_REMAINING_BALANCE"
    exact = fixed.get("remaining_balance_charge_exact_time")
    place = (*field, "remainingBalanceChargeTrigger")
    prefix = "REMAINING_BALANCE_CHARGE"
    is_whole = is_percentage and value["percentage"] >= WHOLE
    if is_percentage and not 0 < value["percentage"] <= WHOLE:
        yield UserProblem(
            "Percentage must be greater than 0 and at most 100.",
            (*field, "checkoutCharge", "value", "percentage"),
            "INVALID",
        )
    if is_whole and trigger != "NO_REMAINING_BALANCE":
        yield UserProblem(
            "There is no remaining balance after a full checkout charge.",
            place,
            f"{prefix}_TRIGGER_ON_FULL_CHECKOUT",
        )
    if not is_whole and trigger == "NO_REMAINING_BALANCE":
        kind = "PARTIAL_PERCENTAGE" if is_percentage else "PRICE"
        yield UserProblem(
            "A remaining balance needs a trigger.",
            place,
            f"{prefix}_TRIGGER_NO_REMAINING_BALANCE_ON_{kind}_CHECKOUT_CHARGE",
        )
    if (trigger == "EXACT_TIME") != (exact is not None):
        word = "REQUIRED" if exact is None else "NOT_ALLOWED"
        yield UserProblem(
            "The exact time is required for the trigger EXACT_TIME, and refused for others.",
            (*field, "remainingBalanceChargeExactTime"),
            f"{prefix}_EXACT_TIME_{word}",
        )


def _delivery(fixed: dict[str, Any], field: Field) -> Iterator[UserProblem]:
    exact = fixed.get("fulfillment_exact_time")
    if (fixed.get("fulfillment_trigger") == "EXACT_TIME") != (exact is not None):
        word = "REQUIRED" if exact is None else "NOT_ALLOWED"
        yield UserProblem(
            "The exact time is required for the trigger EXACT_TIME, and refused for others.",
            (*field, "fulfillmentExactTime"),
            f"FULFILLMENT_EXACT_TIME_{word}",
        )


def _pricing(fixed: dict[str, Any], field: Field) -> Iterator[UserProblem]:
    value = fixed.get("adjustment_value") or {}
    if (fixed.get("adjustment_type") == "PERCENTAGE") != ("percentage" in value):
        yield UserProblem(
            "Adjustment value and type must match.",
            field,
            "PRICING_POLICY_ADJUSTMENT_VALUE_AND_TYPE_MUST_MATCH",
        )
    elif "percentage" in value and not 0 <= value["percentage"] <= WHOLE:
        yield UserProblem("Percentage must be at most 100.", field, "LESS_THAN_OR_EQUAL_TO")


def read_plan(shop: Shop, given: dict[str, Any]) -> SellingPlan:
    """Return a new plan made from an input without problems."""
    plan = SellingPlan(
        id=next(shop.ids),
        name=given["name"],
        options=given["options"],
        position=0,
        billing_policy={},
        delivery_policy={},
        inventory_policy=None,
        pricing_policies=[],
        created_at=shop.moment(),
    )
    fill(shop, plan, given)
    return plan


def fill(shop: Shop, plan: SellingPlan, given: dict[str, Any]) -> None:
    """Set those fields of a plan that the input contains; leave the plan's other fields."""
    for name in ("name", "options", "position", "category", "description"):
        if given.get(name) is not None:
            setattr(plan, name, given[name])
    if given.get("billing_policy"):
        plan.billing_policy = _billing_policy(shop, given["billing_policy"]["fixed"])
    if given.get("delivery_policy"):
        fixed = given["delivery_policy"]["fixed"]
        plan.delivery_policy = {
            "__typename": "SellingPlanFixedDeliveryPolicy",
            "anchors": [],
            "cutoff": fixed.get("cutoff"),
            "fulfillment_exact_time": _moment(fixed.get("fulfillment_exact_time")),
            "fulfillment_trigger": fixed.get("fulfillment_trigger") or "UNKNOWN",
            "intent": "FULFILLMENT_BEGIN",
            "pre_anchor_behavior": "ASAP",
        }
    if given.get("inventory_policy"):
        plan.inventory_policy = {"reserve": given["inventory_policy"]["reserve"]}
    if given.get("pricing_policies") is not None:
        plan.pricing_policies = [
            {
                "__typename": "SellingPlanFixedPricingPolicy",
                "adjustment_type": each["fixed"]["adjustment_type"],
                "adjustment_value": _worth(
                    shop, each["fixed"]["adjustment_value"], "SellingPlanPricingPolicy"
                ),
                "created_at": shop.moment(),
            }
            for each in given["pricing_policies"]
        ]


def _billing_policy(shop: Shop, fixed: dict[str, Any]) -> Policy:
    charge = fixed.get("checkout_charge") or {"type": "PERCENTAGE", "value": {"percentage": 100}}
    return {
        "__typename": "SellingPlanFixedBillingPolicy",
        "checkout_charge": {
            "type": charge["type"],
            "value": _worth(shop, charge["value"], "SellingPlanCheckoutCharge"),
        },
        "remaining_balance_charge_exact_time": _moment(
            fixed.get("remaining_balance_charge_exact_time")
        ),
        "remaining_balance_charge_time_after_checkout": fixed.get(
            "remaining_balance_charge_time_after_checkout"
        ),
        "remaining_balance_charge_trigger": fixed.get("remaining_balance_charge_trigger")
        or "NO_REMAINING_BALANCE",
    }


def _worth(shop: Shop, value: dict[str, Any], prefix: str) -> Policy:
    if "percentage" in value:
        return {"__typename": f"{prefix}PercentageValue", "percentage": value["percentage"]}
    return {
        "__typename": "MoneyV2",
        "amount": str(Decimal(str(value["fixed_value"]))),
        "currency_code": shop.config.currency,
    }


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
