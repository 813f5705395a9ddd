"""Selling plan groups, which apps attach to variants, and collections of products."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Policy = dict[str, Any]


@dataclass(slots=True, eq=False, kw_only=True)
class SellingPlan:
    """A selling plan: its policies of billing, delivery, inventory and pricing."""

    id: int
    name: str
    options: list[str]
    position: int
    billing_policy: Policy
    delivery_policy: Policy
    inventory_policy: Policy | None
    pricing_policies: list[Policy]
    created_at: datetime
    category: str | None = None
    description: str | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class SellingPlanGroup:
    """An app's selling plans, and the variants for which they are offered."""

    id: int
    name: str
    merchant_code: str
    options: list[str]
    created_at: datetime
    description: str | None = None
    position: int | None = None
    app_id: str | None = None
    plans: dict[int, SellingPlan] = field(default_factory=dict)
    variant_ids: set[int] = field(default_factory=set)

    @property
    def summary(self) -> str:
        """Return the group's summary, as the admin shows it."""
        return f"{len(self.plans)} selling plans"


@dataclass(slots=True, eq=False, kw_only=True)
class Collection:
    """Products that a merchant has put together."""

    id: int
    handle: str
    title: str
    created_at: datetime
    updated_at: datetime
    product_ids: list[int] = field(default_factory=list)
