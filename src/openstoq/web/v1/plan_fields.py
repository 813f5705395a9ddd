"""The mapping between API v1's flat SellingPlan and an offer's documents.

Each row of the table gives a v1 field, its place in the offer, and the functions that write and
read its value. Fields that map to several places are handled below the table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, create_model

from openstoq.kernel.days import Day, in_zone
from openstoq.kernel.ids import CollectionId, MarketId
from openstoq.kernel.types import Amount, Clean, Line, OnOneLine, Text, none_if_empty
from openstoq.kernel.types import Color as GivenColor
from openstoq.preorders.offers.capabilities.widget import LARGEST_RADIUS
from openstoq.preorders.offers.model import DOCUMENTS, Offer
from openstoq.web.v1.plan_terms import terms_of
from openstoq.web.v1.requests import Lenient

Copy = Annotated[str | None, Field(max_length=2000), Clean]
Color = Annotated[GivenColor, BeforeValidator(none_if_empty)]
Convert = Callable[[Any], Any]


def _stripped(value: Any) -> Any:
    # Scripts also send numbers as text.
    return value.strip() if isinstance(value, str) else value


Number = Annotated[Amount | None, BeforeValidator(_stripped)]
Count = Annotated[int | None, Field(ge=0, le=1_000_000)]


def _same(value: Any) -> Any:
    return value


def _radius(value: str | None) -> int | None:
    """Return the number of pixels in a radius such as 4px.

    Returns None for an empty text. Raises ValueError for any other text, and for a number of pixels
    above LARGEST_RADIUS.
    """
    text = (value or "").strip().lower().removesuffix("px").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and int(text) <= LARGEST_RADIUS):
        raise ValueError(f"must be a number of pixels such as 4px, at most {LARGEST_RADIUS}px")
    return int(text)


def _radius_checked(value: str | None) -> str | None:
    _radius(value)
    return value


def _radius_text(value: int | None) -> str | None:
    return None if value is None else f"{value}px"


def _tags(value: str | None) -> list[str]:
    return [tag.strip() for tag in (value or "").split(",") if tag.strip()]


@dataclass(frozen=True, slots=True)
class PlanField:
    """A v1 field: its type, its place in the offer, and the functions that write and read it."""

    name: str
    type: Any
    path: str
    write: Convert = _same
    read: Convert = _same


_BALANCE = "payments.remaining_balance"
_BADGE, _BUTTON, _DISCLAIMER = "widget.badge", "widget.button", "widget.disclaimer"

FIELDS: tuple[PlanField, ...] = (
    PlanField("billing_at", Day | None, f"{_BALANCE}.date"),
    PlanField("billing_after_n_intervals", Count, f"{_BALANCE}.days"),
    PlanField("delivery_at", Day | None, "shipping.delivery.date"),
    PlanField("delivery_after_n_intervals", Count, "shipping.delivery.days"),
    PlanField(
        "inventory_reserve_type",
        Literal["on_sale", "on_fulfillment"],
        "inventory.reservation.timing",
    ),
    PlanField("inventory_provider", Literal["stoq", "shopify"], "inventory.provider"),
    PlanField("quantity_limit_text", Copy, "limits.display.text"),
    PlanField("preorder_button_text", Copy, f"{_BUTTON}.text"),
    PlanField("preorder_button_text_color", Color, f"{_BUTTON}.colors.text_color"),
    PlanField("preorder_button_background_color", Color, f"{_BUTTON}.colors.background_color"),
    PlanField("preorder_button_colors_enabled", bool, f"{_BUTTON}.colors.enabled"),
    PlanField("preorder_discounted_price_enabled", bool, f"{_BUTTON}.show_discounted_price"),
    PlanField("preorder_button_description", Copy, f"{_DISCLAIMER}.text"),
    PlanField(
        "preorder_button_description_background_color", Color, f"{_DISCLAIMER}.background_color"
    ),
    PlanField(
        "preorder_button_description_border_radius",
        Annotated[str | None, Field(max_length=20), OnOneLine, AfterValidator(_radius_checked)],
        f"{_DISCLAIMER}.border_radius",
        _radius,
        _radius_text,
    ),
    PlanField("preorder_button_description_quantity_limit_suffix", Copy, "limits.display.suffix"),
    PlanField(
        "preorder_button_description_shipping_text_prefix",
        Copy,
        "shipping.display.shipping_text_prefix",
    ),
    PlanField(
        "preorder_button_description_show_quantity_limit", bool, "limits.display.show_remaining"
    ),
    PlanField(
        "preorder_button_description_show_shipping", bool, "shipping.display.show_shipping_text"
    ),
    PlanField("preorder_button_description_text_color", Color, f"{_DISCLAIMER}.text_color"),
    PlanField("preorder_badge_enabled", bool, f"{_BADGE}.enabled"),
    PlanField("preorder_badge_text", Copy, f"{_BADGE}.text"),
    PlanField("preorder_badge_text_color", Color, f"{_BADGE}.text_color"),
    PlanField("preorder_badge_background_color", Color, f"{_BADGE}.background_color"),
    PlanField("preorder_shipping_text", Copy, "shipping.display.preorder_shipping_text"),
    PlanField("shipping_text", Copy, "shipping.display.shipping_text"),
    PlanField(
        "shipping_line_item_property_enabled",
        bool,
        "advanced.line_item_properties.include_shipping_text",
    ),
    PlanField("shipping_applies_to_all_products", bool, "shipping.display.applies_to_all_products"),
    PlanField(
        "preorder_tags",
        Annotated[str | None, Field(max_length=2100), OnOneLine],
        "checkout.order_tags",
        _tags,
        ", ".join,
    ),
    PlanField("markets_enabled", bool, "markets.enabled"),
    PlanField(
        "shopify_market_ids",
        Annotated[list[MarketId], Field(max_length=250)],
        "markets.market_ids",
    ),
    PlanField("auto_collect_payment", bool, f"{_BALANCE}.auto_collect"),
    PlanField("use_shopify_selling_plan", bool, "advanced.use_shopify_selling_plan"),
    PlanField("enable_billing_widget", bool, "widget.billing_widget.enabled"),
    PlanField("split_fulfillments_enabled", bool, "shipping.fulfillment.split.enabled"),
    PlanField("require_preorder_acknowledgement", bool, "checkout.terms.enabled"),
    PlanField("preorder_acknowledgement_text", Copy, "checkout.terms.text"),
    PlanField("allow_mixed_cart", bool, "checkout.mixed_cart.allowed"),
    PlanField("mixed_cart_error_message", Copy, "checkout.mixed_cart.error_message"),
    PlanField("preorder_min_quantity", Count, "limits.per_order.min"),
    PlanField("preorder_max_quantity", Count, "limits.per_order.max"),
    PlanField(
        "payment_line_item_property_enabled",
        bool,
        "advanced.line_item_properties.include_payment_breakdown",
    ),
    PlanField("custom_line_item_property_text", Copy, "advanced.line_item_properties.custom_text"),
    PlanField(
        "auto_collect_payment_on_fulfillment", bool, f"{_BALANCE}.auto_collect_on_fulfillment"
    ),
    PlanField("hold_fulfillments_enabled", bool, "shipping.fulfillment.hold"),
    PlanField(
        "hold_fulfillments_reason_note", Text | None, "shipping.fulfillment.hold_reason_note"
    ),
    PlanField(
        "disable_button_until_acknowledged",
        bool,
        "checkout.terms.disable_button_until_acknowledged",
    ),
)

# Fields that map to several places, or to a place with different values.
SPECIAL: Mapping[str, Any] = {
    "name": Annotated[Line, Field(min_length=1)],
    "internal_name": Line | None,
    "enabled": bool,
    "billing_type": Literal["exact_time", "no_remaining_balance", "time_after_checkout"],
    "billing_after_interval_type": Literal["day"] | None,
    "billing_checkout_charge_amount": Number,
    "billing_checkout_charge_percentage": Number,
    "billing_checkout_charge_type": Literal["percentage", "price"],
    "delivery_type": Literal["anchor", "asap", "exact_time", "unknown"],
    "delivery_after_interval_type": Literal["day"] | None,
    "billing_title": Copy,
    "billing_description": Copy,
    "pricing_type": Literal["percentage", "price", "fixed_amount", "no_discount"],
    "pricing_amount": Number,
    "pricing_percentage": Number,
    "discount_text": Copy,
    "product_variants_source": Literal["all", "collection", "custom"],
    "product_variants_source_id": CollectionId | None,
}

_TYPES: dict[str, Any] = {
    name: (kind, Field(default=None))
    for name, kind in (*SPECIAL.items(), *((field.name, field.type) for field in FIELDS))
}
SellingPlanInput = create_model("SellingPlanInput", __base__=Lenient, **_TYPES)

Changes = dict[str, Any]

# The contract calls all other fields of a plan not nullable, and shows a text that is not set as "".
NULLABLE = frozenset(
    {"billing_at", "billing_after_n_intervals", "delivery_at", "delivery_after_n_intervals"}
    | {"preorder_min_quantity", "preorder_max_quantity", "custom_line_item_property_text"}
)


def changes_of(sent: Mapping[str, Any], offer: Offer) -> Changes:
    """Convert a v1 body to a nested partial update of the offer's documents.

    The update contains only the fields to change. A value that the plan already shows is left out,
    so a caller may send a plan back as it was read.
    """
    changes: Changes = {}
    shown = fields_of(offer)
    for field in FIELDS:
        if field.name in sent and sent[field.name] != shown[field.name]:
            _place(changes, field.path, field.write(sent[field.name]))
    description = sent.get("preorder_button_description")
    if description and description != shown["preorder_button_description"]:
        _place(changes, f"{_DISCLAIMER}.enabled", True)
    if sent.get("billing_type") in ("exact_time", "time_after_checkout"):
        _place(changes, f"{_BALANCE}.due", sent["billing_type"])
    if "shopify_market_ids" in sent:
        _place(changes, "markets.enabled", (shown | dict(sent))["markets_enabled"])
    _delivery_changes(shown, sent, changes)
    return changes


def fields_of(offer: Offer) -> dict[str, Any]:
    """Return the SellingPlan fields of an offer."""
    zone = in_zone(offer.zone)
    documents = {
        name: getattr(offer, name).model_dump(
            mode="json", exclude_computed_fields=True, context=zone
        )
        for name in DOCUMENTS
    }
    found = {field.name: field.read(_at(documents, field.path)) for field in FIELDS}
    texts = {name: "" for name, value in found.items() if value is None and name not in NULLABLE}
    delivery = offer.shipping.delivery.type
    return {
        "name": offer.name,
        "internal_name": offer.internal_name or "",
        "enabled": offer.enabled,
        **found,
        **texts,
        **terms_of(offer),
        # Scoping with an empty list means all markets, and v1 has no such plan.
        "markets_enabled": not offer.markets.applies_to_all_markets,
        "delivery_type": {"exact_date": "exact_time", "window": "unknown"}.get(delivery, delivery),
        "delivery_after_interval_type": "day",
        "product_variants_source": offer.source,
        "product_variants_source_id": offer.collection_id or offer.values_by_type.collection_id,
    }


def field_at(path: str) -> str | None:
    """Return the v1 field for a path in the offer's documents, or None if no field maps to it."""
    return next(
        (one.name for one in FIELDS if path == one.path or path.startswith(f"{one.path}.")), None
    )


def _delivery_changes(shown: Mapping[str, Any], sent: Mapping[str, Any], changes: Changes) -> None:
    names = ("delivery_type", "delivery_after_n_intervals")
    if all(sent.get(name, shown[name]) == shown[name] for name in names):
        return
    kind, days = (sent.get(name, shown[name]) for name in names)
    ours = "exact_date" if kind == "exact_time" else kind
    _place(changes, "shipping.delivery.type", "window" if kind == "unknown" and days else ours)


def _place(changes: Changes, path: str, value: Any) -> None:
    *way, last = path.split(".")
    for step in way:
        below = changes.setdefault(step, {})
        if below is None:
            below = changes[step] = {}
        changes = below
    changes[last] = value


def _at(documents: Mapping[str, Any], path: str) -> Any:
    place: Any = documents
    for step in path.split("."):
        if not isinstance(place, Mapping):
            return None
        place = place.get(step)
    return place
