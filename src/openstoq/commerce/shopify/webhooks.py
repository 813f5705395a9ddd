"""Verify and parse the webhooks that Shopify sends to us.

The functions that parse bodies raise ValueError with a sentence that names the field. A field that
a body leaves out is None.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from openstoq.commerce.inbound import Delivery, NamedShop, PrivacyRequest, ProductChanged
from openstoq.commerce.port import EVER, InventoryItem, InventoryLevel, Location, Product, Variant
from openstoq.commerce.shopify.client import SHOP_DOMAIN
from openstoq.commerce.shopify.fields import Fields, body_fields, moment
from openstoq.errors import BadRequest

# These topics are about the shop itself, so `id` is the shop's.
_OF_THE_SHOP = ("shop/update", "app/uninstalled")
PRIVACY_TOPICS = ("customers/data_request", "customers/redact", "shop/redact")
_LONGEST_HEADER = 255
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{43}=")


def is_signature(header: str | None) -> bool:
    """Return whether the header looks like a signature: 32 bytes in base64."""
    return bool(_SIGNATURE.fullmatch(header or ""))


def verify(raw_body: bytes, header: str | None, secrets: Sequence[str]) -> bool:
    """Return whether one of the app's client secrets produced the signature in the header.

    Every secret is tried, because after a rotation Shopify still signs with the old secret for a
    while. The comparison takes constant time.
    """
    given = (header or "").encode()
    genuine = False
    for secret in secrets:
        digest = hmac.digest(secret.encode(), raw_body, hashlib.sha256)
        # An empty secret would let anybody sign.
        genuine |= hmac.compare_digest(base64.b64encode(digest), given) and bool(secret)
    return genuine


def delivery(headers: Mapping[str, str]) -> Delivery:
    """Parse the headers of a request. Raises BadRequest listing every problem."""
    given = {name.lower(): value.strip() for name, value in headers.items()}
    wrong: list[str] = []

    def read(name: str, *, needed: bool = False) -> str | None:
        value = given.get(f"x-shopify-{name}".lower()) or None
        if value is None and needed:
            wrong.append(f"The header X-Shopify-{name} is missing.")
        elif value is not None and len(value) > _LONGEST_HEADER:
            wrong.append(f"The header X-Shopify-{name} is too long.")
        return value

    topic = read("Topic", needed=True)
    domain = read("Shop-Domain", needed=True)
    webhook_id = read("Webhook-Id", needed=True)
    triggered = read("Triggered-At")
    if domain is not None and not SHOP_DOMAIN.fullmatch(domain.lower()):
        wrong.append("The header X-Shopify-Shop-Domain must be a myshopify.com domain.")
    triggered_at: datetime | None = None
    if triggered is not None:
        try:
            triggered_at = moment(triggered)
        except ValueError as error:
            wrong.append(f"The header X-Shopify-Triggered-At {error}.")
    optional = [read(name) for name in ("Event-Id", "API-Version", "Name")]
    if wrong or topic is None or domain is None or webhook_id is None:
        raise BadRequest(*wrong)
    event_id, api_version, name = optional
    return Delivery(topic, domain.lower(), webhook_id, event_id, triggered_at, api_version, name)


def deleted_id(body: bytes) -> int:
    """Parse the id of a deleted object."""
    return id_at(body, "id")


def inventory_level(body: bytes) -> InventoryLevel:
    """Parse the body of an inventory_levels/connect or inventory_levels/update webhook."""
    return _level(body_fields(body), active=True)


def disconnected_level(body: bytes) -> InventoryLevel:
    """Parse the body of an inventory_levels/disconnect webhook, as a level without stock."""
    return _level(body_fields(body), active=False)


def inventory_item(body: bytes) -> InventoryItem:
    """Parse the body of an inventory_items/update webhook."""
    told = body_fields(body)
    return InventoryItem(
        id=told.id("id"),
        sku=told.text_or_none("sku"),
        tracked=told.flag_or_none("tracked"),
        updated_at=told.moment_or_none("updated_at"),
    )


def location(body: bytes) -> Location:
    """Parse the body of a locations/create, update, activate or deactivate webhook."""
    told = body_fields(body)
    return Location(
        id=told.id("id"),
        name=told.text("name"),
        active=told.flag_or_none("active") is not False,
        updated_at=told.moment_or_none("updated_at"),
    )


def product(body: bytes) -> ProductChanged:
    """Parse the body of a products/create or products/update webhook."""
    told = body_fields(body)
    number = told.id("id")
    images = {
        image.id("id"): image.text_or_none("src")
        for image in told.each("images")
        if image.has("id")
    }
    variants = tuple(_variant(each, number, images) for each in told.distinct("variants"))
    full = {variant.id for variant in variants}
    named = [each.id("admin_graphql_api_id") for each in told.each("variant_gids")]
    product = Product(
        id=number,
        title=told.text("title"),
        handle=told.text("handle"),
        vendor=told.text("vendor"),
        tags=tuple(tag.strip() for tag in told.text("tags").split(",") if tag.strip()),
        status=told.text("status").lower() or "active",
        url=None,
        image_url=_picture(told, images),
        updated_at=told.moment_or_none("updated_at"),
        variants=tuple(sorted(variants, key=lambda variant: variant.position)),
        published_at=told.moment_or_none("published_at") if told.tells("published_at") else EVER,
    )
    return ProductChanged(product, tuple(each for each in named if each not in full))


def id_at(body: bytes, *path: str) -> int:
    """Parse the id at the given path of field names."""
    told = body_fields(body)
    for name in path[:-1]:
        told = told.inside(name)
    return told.id(path[-1])


def merged_fulfillment_orders(body: bytes) -> tuple[int, ...]:
    """Parse a fulfillment_orders/merged webhook; return the ids of the fulfillment orders in it.

    The first is the fulfillment order that the merge produced. The others were merged into it.
    """
    told = body_fields(body)
    result = told.inside("fulfillment_order_merges").inside("fulfillment_order").id("id")
    parts = [each.id("fulfillment_order_id") for each in told.each("merge_intents")]
    return tuple(dict.fromkeys([result, *parts]))


def moved_fulfillment_orders(body: bytes) -> tuple[int, ...]:
    """Parse a fulfillment_orders/moved webhook; return the ids of the fulfillment orders in it.

    The first has the moved units; it is new if only some units were moved. The second is the
    original. It is left out if it is the same one, or if the webhook does not name it.
    """
    told = body_fields(body)
    result = told.inside("moved_fulfillment_order").id("id")
    original = told.inside("original_fulfillment_order").id_or_none("id")
    return (result,) if original in (None, result) else (result, original)


def due_schedule(body: bytes) -> tuple[int, int | None]:
    """Parse a payment_schedules/due webhook; return the schedule's id and its terms' id."""
    told = body_fields(body)
    return told.id("id"), told.id_or_none("payment_terms_id")


def named_shop(topic: str, body: bytes) -> NamedShop:
    """Return the shop that a body names; a field is None if the body lacks it.

    Only the bodies of privacy requests, and of webhooks about the shop itself, name the shop.
    """
    told = body_fields(body)
    domain = told.text("myshopify_domain") or told.text("shop_domain")
    number = "id" if topic in _OF_THE_SHOP else "shop_id"
    return NamedShop(domain.lower() or None, told.id_or_none(number))


def privacy_request(body: bytes) -> PrivacyRequest:
    """Parse the body of a customers/data_request, customers/redact or shop/redact webhook."""
    told = body_fields(body)
    customer = told.inside("customer")
    return PrivacyRequest(
        shop_id=told.id("shop_id"),
        shop_domain=told.text("shop_domain"),
        customer_id=customer.id_or_none("id"),
        email=customer.text_or_none("email"),
        phone=customer.text_or_none("phone"),
        order_ids=told.ids("orders_requested") or told.ids("orders_to_redact"),
    )


def _picture(told: Fields, images: Mapping[int, str | None]) -> str | None:
    if told.has("image"):
        return told.inside("image").text_or_none("src")
    if images:
        return next(iter(images.values()))
    return "" if told.tells("image") or told.tells("images") else None


def _level(told: Fields, *, active: bool) -> InventoryLevel:
    return InventoryLevel(
        inventory_item_id=told.id("inventory_item_id"),
        location_id=told.id("location_id"),
        available=told.count("available") if active else 0,
        updated_at=told.moment_or_none("updated_at"),
        active=active,
    )


def _variant(told: Fields, product_id: int, images: Mapping[int, str | None]) -> Variant:
    image_url = "" if told.tells("image_id") else None
    if told.has("image_id"):
        image_url = images.get(told.id("image_id"))
    return Variant(
        id=told.id("id"),
        product_id=product_id,
        title=told.text("title"),
        sku=told.text_or_none("sku"),
        price=told.amount_or_none("price"),
        compare_at_price=told.amount_or_none("compare_at_price"),
        inventory_item_id=told.id_or_none("inventory_item_id"),
        inventory_policy="continue" if told.text("inventory_policy") == "continue" else "deny",
        tracked=None,
        image_url=image_url,
        position=told.count("position"),
        updated_at=told.moment_or_none("updated_at"),
    )
