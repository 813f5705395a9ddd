"""Rules for a selling plan as a whole: fields that require other fields, and limits on values.

Problems are reported under the names of v1's fields.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

HIGHEST_PERCENTAGE = 100

# A field with this value needs the other field.
_NEEDED = (
    ("billing_type", "exact_time", "billing_at"),
    ("billing_type", "time_after_checkout", "billing_after_n_intervals"),
    ("billing_checkout_charge_type", "price", "billing_checkout_charge_amount"),
    ("pricing_type", "percentage", "pricing_percentage"),
    ("pricing_type", "price", "pricing_amount"),
    ("pricing_type", "fixed_amount", "pricing_amount"),
    ("delivery_type", "exact_time", "delivery_at"),
    ("product_variants_source", "collection", "product_variants_source_id"),
)


def problems_of(plan: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the problems of a plan by field.

    Each value of the plan has already been validated on its own.
    """
    found: dict[str, list[str]] = {}
    for name, sentence in _problems(plan):
        found.setdefault(name, []).append(sentence)
    return found


def _problems(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value, needed in _NEEDED:
        if plan[name] == value and plan[needed] is None:
            yield needed, f"is required for the {name} {value}"
    if plan["markets_enabled"] and not plan["shopify_market_ids"]:
        yield "shopify_market_ids", "is required if markets_enabled is true"
    for name in ("billing_checkout_charge_percentage", "pricing_percentage"):
        if Decimal(plan[name] or 0) > HIGHEST_PERCENTAGE:
            yield name, f"must be at most {HIGHEST_PERCENTAGE}"
    least, most = plan["preorder_min_quantity"], plan["preorder_max_quantity"]
    if least is not None and most is not None and least > most:
        yield "preorder_min_quantity", f"must be at most the preorder_max_quantity of {most}"
