"""Views of a variant: its offers, counts, metafields and drift."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from openstoq.kernel.paging import PageMeta
from openstoq.preorders.offers.model import Status, Sync
from openstoq.preorders.offers.views import Schedule


class VariantOffer(BaseModel):
    """An offer that sells the variant, with the variant's own settings in the offer."""

    id: UUID
    name: str
    status: Status
    schedule: Schedule
    shipping_text: str | None
    max_count: int | None
    market_overrides: dict[str, dict[str, str | int]]
    attached_at: datetime


class Drift(BaseModel):
    """A metafield or the inventory policy that differs in the shop from the value that we wrote."""

    expected: str | None
    found: str | None


@dataclass(frozen=True, slots=True)
class LastWrite:
    """The metafields last written on a variant, and the variant's revision at that time."""

    revision: int
    values: Mapping[str, str]


class VariantSummary(BaseModel):
    """A variant in a list."""

    shopify_variant_id: int
    shopify_product_id: int | None
    product_title: str | None
    variant_title: str | None
    sku: str | None
    inventory_policy: str | None
    offer_ids: list[UUID]
    preorder_count: int
    sync: Sync


class VariantContext(VariantSummary):
    """A variant with all its offers, its counts, and the state of its metafields."""

    offers: list[VariantOffer]
    market_preorder_counts: dict[str, int]
    metafields: dict[str, str]
    has_drifted: bool
    drift: dict[str, Drift]
    synced_at: datetime | None


class VariantSummaryPage(BaseModel):
    """A page of variants, in the order of their ids."""

    product_variants: list[VariantSummary]
    meta: PageMeta


class VariantOffers(BaseModel):
    """The offers that a variant is attached to, in the order in which they apply."""

    offers: list[VariantOffer]
