"""The mapping between API v1's flat SellingPlan and an offer's documents.

Each row of the table gives a v1 field, its place in the offer, and the functions that write and
read its value. Fields that map to several places are handled below the table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model

from openstoq.kernel.days import Moment
from openstoq.kernel.ids import CollectionId, MarketId
from openstoq.kernel.patch import stored
from openstoq.kernel.types import Amount, Clean, Color, Line, OnOneLine, Text
from openstoq.preorders.offers.capabilities.payments import (
    ALL_OF_IT,
    Deposit,
    Mode,
    Payments,
    set_discount_text,
    set_mode,
)
from openstoq.preorders.offers.model import DOCUMENTS, Offer
from openstoq.web.v1.requests import Lenient

Copy = Annotated[str | None, Field(max_length=2000), Clean]
Convert = Callable[[Any], Any]


def _stripped(value: Any) -> Any:
    # Scripts also send numbers as text.
    return value.strip() if isinstance(value, str) else value


Number = Annotated[Amount | None, BeforeValidator(_stripped)]
Count = Annotated[int | None, Field(ge=0, le=1_000_000)]


def _same(value: Any) -> Any:
    return value


def _json_number(value: Any) -> Any:
    if value is None:
        return None
    exact = Decimal(value)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _radius(value: str | None) -> int | str | None:
    text = (value or "").strip().lower().removesuffix("px").strip()
    return int(text) if text.isascii() and text.isdecimal() else value or None


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
    PlanField("billing_at", Moment | None, f"{_BALANCE}.date"),
    PlanField("billing_after_n_intervals", Count, f"{_BALANCE}.days"),
    PlanField("billing_title", Copy, "widget.billing_widget.title"),
    PlanField("billing_description", Copy, "widget.billing_widget.description"),
    PlanField("delivery_at", Moment | None, "shipping.delivery.date"),
    PlanField("delivery_after_n_intervals", Count, "shipping.delivery.days"),
    PlanField(
        "inventory_reserve_type",
        Literal["on_sale", "on_fulfillment"],
        "inventory.reservation.timing",
    ),
    PlanField("inventory_provider", Literal["stoq", "shopify"], "inventory.provider"),
    PlanField(
        "pricing_type",
        Literal["percentage", "price", "fixed_amount", "no_discount"],
        "payments.discount.type",
    ),
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
        Annotated[str | None, Field(max_length=20), OnOneLine],
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


def changes_of(sent: Mapping[str, Any], offer: Offer) -> Changes:
    """Convert a v1 body to a nested partial update of the offer's documents.

    The update contains only the fields to change.
    """
    changes: Changes = {}
    for field in FIELDS:
        if field.name in sent:
            _place(changes, field.path, field.write(sent[field.name]))
    if sent.get("preorder_button_description"):
        _place(changes, f"{_DISCLAIMER}.enabled", True)
    if sent.get("billing_type") in ("exact_time", "time_after_checkout"):
        _place(changes, f"{_BALANCE}.due", sent["billing_type"])
    pricing = sent.get("pricing_type", offer.payments.discount.type)
    value = "pricing_percentage" if pricing == "percentage" else "pricing_amount"
    if value in sent:
        _place(changes, "payments.discount.value", sent[value])
    _delivery_changes(sent, offer, changes)
    return changes


def set_options(payments: Payments, sent: Mapping[str, Any]) -> None:
    """Set the payment options that a v1 body contains; raise ValidationError if they are invalid."""
    mode = _mode(sent, payments)
    if mode is not None:
        set_mode(payments, mode=mode)
    options = payments.options
    if options.partial is not None:
        options.partial.deposit = _deposit(sent, options.partial.deposit)
    if "discount_text" in sent:
        set_discount_text(payments, text=sent["discount_text"])
    # The first option stores the billing widget's texts too, and must have the same ones.
    for name in ("billing_title", "billing_description"):
        if name in sent:
            setattr(payments.first, name, sent[name])


def fields_of(offer: Offer) -> dict[str, Any]:
    """Return the SellingPlan fields of an offer."""
    documents = {name: stored(getattr(offer, name)) for name in DOCUMENTS}
    found = {field.name: field.read(_at(documents, field.path)) for field in FIELDS}
    options = offer.payments.options
    deposit = options.partial.deposit if options.partial else None
    balance, discount = offer.payments.remaining_balance, offer.payments.discount
    delivery = offer.shipping.delivery.type
    is_percentage = discount.type == "percentage"
    return {
        "name": offer.name,
        "internal_name": offer.internal_name,
        "enabled": offer.enabled,
        **found,
        "billing_type": balance.due if deposit else "no_remaining_balance",
        "billing_after_interval_type": "day",
        "billing_checkout_charge_type": deposit.type if deposit else "percentage",
        "billing_checkout_charge_percentage": deposit.percent if deposit else ALL_OF_IT,
        "billing_checkout_charge_amount": _json_number(deposit.amount) if deposit else None,
        "delivery_type": {"exact_date": "exact_time", "window": "unknown"}.get(delivery, delivery),
        "delivery_after_interval_type": "day",
        "pricing_amount": None if is_percentage else _json_number(discount.value),
        "pricing_percentage": _json_number(discount.value) if is_percentage else None,
        "discount_text": offer.payments.first.discount_text,
        "product_variants_source": offer.source,
        "product_variants_source_id": offer.collection_id,
    }


def field_at(path: str) -> str:
    """Return the v1 field for a path in the offer's documents, or "base" if no field maps to it."""
    return next((one.name for one in FIELDS if path.startswith(one.path)), "base")


def _mode(sent: Mapping[str, Any], payments: Payments) -> Mode | None:
    """Return the payment mode that a v1 body implies, or None to leave the mode unchanged."""
    kind = sent.get("billing_type")
    charge = sent.get("billing_checkout_charge_percentage")
    is_whole = charge is not None and Decimal(charge) == ALL_OF_IT
    if kind == "no_remaining_balance" or (kind is None and is_whole):
        return "full"
    asks = kind or charge is not None or sent.get("billing_checkout_charge_type") == "price"
    return "partial" if asks and payments.options.partial is None else None


def _deposit(sent: Mapping[str, Any], deposit: Deposit) -> Deposit:
    """Return a copy of the deposit with the changes in a v1 body applied."""
    charge = sent.get("billing_checkout_charge_percentage")
    changed = {
        "type": sent.get("billing_checkout_charge_type"),
        "percent": None if charge is None or Decimal(charge) == ALL_OF_IT else Decimal(charge),
    }
    kept = stored(deposit) | {name: value for name, value in changed.items() if value is not None}
    if "billing_checkout_charge_amount" in sent:
        kept["amount"] = sent["billing_checkout_charge_amount"]
    return Deposit.model_validate(kept)


def _delivery_changes(sent: Mapping[str, Any], offer: Offer, changes: Changes) -> None:
    kind = sent.get("delivery_type")
    if kind is None:
        return
    days = sent.get("delivery_after_n_intervals", offer.shipping.delivery.days)
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
