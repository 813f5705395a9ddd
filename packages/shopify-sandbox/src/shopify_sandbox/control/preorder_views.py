"""Views of selling plan groups, metafields and collections in the control API."""

from typing import Any

from shopify_sandbox.records.catalogue import Variant
from shopify_sandbox.records.plans import Collection, SellingPlan, SellingPlanGroup
from shopify_sandbox.shop import Shop


def groups_of(shop: Shop, variant: Variant) -> list[SellingPlanGroup]:
    """Return the groups whose plans are offered for a variant."""
    return [each for each in shop.plan_groups.values() if variant.id in each.variant_ids]


def metafields_view(shop: Shop, owner: str) -> list[dict[str, Any]]:
    """Show the metafields of one record."""
    return [
        {
            "namespace": each.namespace,
            "key": each.key,
            "type": each.type,
            "value": each.value,
        }
        for each in shop.metafields.of(owner)
    ]


def group_view(group: SellingPlanGroup) -> dict[str, Any]:
    """Show a group with its plans."""
    return {
        "id": group.id,
        "name": group.name,
        "merchant_code": group.merchant_code,
        "app_id": group.app_id,
        "variant_ids": sorted(group.variant_ids),
        "plans": [plan_view(each) for each in group.plans.values()],
    }


def plan_view(plan: SellingPlan) -> dict[str, Any]:
    """Show a plan."""
    return {
        "id": plan.id,
        "name": plan.name,
        "options": plan.options,
        "position": plan.position,
        "category": plan.category,
        "description": plan.description,
        "billing_policy": _plain(plan.billing_policy),
        "delivery_policy": _plain(plan.delivery_policy),
        "inventory_policy": _plain(plan.inventory_policy),
        "pricing_policies": _plain(plan.pricing_policies),
    }


def collection_view(collection: Collection) -> dict[str, Any]:
    """Show a collection."""
    return {
        "id": collection.id,
        "title": collection.title,
        "handle": collection.handle,
        "product_ids": collection.product_ids,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items() if name != "__typename"}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
