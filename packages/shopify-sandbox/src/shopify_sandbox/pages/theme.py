"""The shop's theme, as far as it sets line-item properties for a line without a selling plan.

It reads them from the metafields of a preorder app, as the theme of a real shop would.
"""

import json
from typing import Any

from shopify_sandbox.admin.records import global_id
from shopify_sandbox.records.catalogue import Variant
from shopify_sandbox.shop import Shop


def line_properties(shop: Shop, variant: Variant) -> dict[str, str]:
    """Return the line-item properties of a variant's first offer.

    The result is empty if the variant has no offer.
    """
    for each in shop.metafields.of(global_id(variant)):
        if each.key == "selling_plan_ids":
            for offer_id in json.loads(each.value):
                offer = _offer(shop, each.namespace, offer_id)
                told = (offer or {}).get("line_item_properties") or {}
                return dict(told.get("full") or told.get("partial") or {})
    return {}


def _offer(shop: Shop, namespace: str, offer_id: str) -> dict[str, Any] | None:
    """Return an offer from the shop's metafields; None if no metafield contains it."""
    for each in shop.metafields.of(shop.gid):
        if each.namespace == namespace and each.key.startswith("selling_plans"):
            offers: dict[str, Any] = json.loads(each.value)["offers"]
            if offer_id in offers:
                return dict(offers[offer_id])
    return None
