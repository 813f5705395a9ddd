"""Selling plans: the payment options that a shop is to offer for a preorder."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One selling plan of a preorder: the charge at checkout, and when the balance is due.

    The charge at checkout is a percentage of the price, or `amount` if it is given. The balance is
    due at `balance_at`, `balance_days` after checkout, or on fulfillment; a plan that charges
    everything at checkout has no balance date. `delivered_at` is None unless `delivery` is `exact`;
    `asap` means as soon as possible. `discount` is the amount or percentage by which the price is
    reduced, or the price to which it is reduced.
    """

    name: str
    option: str
    description: str | None
    percent: Decimal
    amount: Decimal | None = None
    balance_at: datetime | None = None
    balance_days: int | None = None
    balance_on_fulfillment: bool = False
    delivery: Literal["asap", "exact", "unknown"] = "asap"
    delivered_at: datetime | None = None
    reserve: Literal["on_sale", "on_fulfillment"] = "on_fulfillment"
    discount: tuple[Literal["percentage", "price", "fixed_amount"], Decimal] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanGroup:
    """The selling plans of a preorder offer, keyed by our own names for them, such as `full`.

    `merchant_code` is used to find the group again if its id was lost.
    """

    name: str
    merchant_code: str
    option_name: str
    plans: Mapping[str, Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlanGroup:
    """A selling plan group in the shop, with each plan's id keyed by our own name for the plan."""

    id: int
    plan_ids: Mapping[str, int]
