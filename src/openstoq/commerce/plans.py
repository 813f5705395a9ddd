"""Selling plans: the ways to pay for a preorder, as a shop is asked to offer them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One selling plan of a preorder: a way to pay, and when.

    The charge at checkout is a percentage of the price, or `amount` when that is given. The
    balance is due at `balance_at`, `balance_days` after checkout, or on fulfillment; a plan that
    charges everything at checkout has none of them. `delivered_at` is None for as soon as possible.
    `discount` is the amount or percentage that the price is lowered by, or the price it is lowered
    to.
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
    """The selling plans of one preorder offer, by our own names for them, such as full.

    `merchant_code` serves to find the group again when its id was lost.
    """

    name: str
    merchant_code: str
    option_name: str
    plans: Mapping[str, Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlanGroup:
    """A group in the shop, with the id of each plan by our own name for it."""

    id: int
    plan_ids: Mapping[str, int]
