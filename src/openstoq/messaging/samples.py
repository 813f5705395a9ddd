"""Sample messages: the facts with which templates are tried out and shown when there is no product."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from openstoq.messaging.brand import Brand
from openstoq.messaging.compose import with_head
from openstoq.messaging.letter import OwnParts
from openstoq.messaging.render import AlertFacts, OptinRequest, Prepared, Recipient

NUMBER = UUID(int=0)
RICH = Brand(
    logo_url="https://shop.example/logo.png",
    footer="Alpine Outfitters\n1 Summit Road",
    button_color="#0a5c36",
)
FACTS = AlertFacts(
    shop_name="Alpine Outfitters",
    shop_url="https://shop.example",
    sender="alerts@shop.example",
    product_title="Trail Jacket",
    variant_title="Blue / M",
    product_url="https://shop.example/products/trail-jacket?variant=1",
    image_url="https://shop.example/trail-jacket.png",
    price=Decimal("129.5"),
    currency="EUR",
    message_id_domain="shop.example",
    brand=RICH,
)
# An alert with as few values as there can be.
BARE = replace(FACTS, variant_title=None, image_url=None, price=Decimal(0), brand=Brand())


def recipient(unsubscribe_url: str = "https://shop.example/unsubscribe") -> Recipient:
    """Return a shopper to show an alert to."""
    return Recipient(
        notification_id=NUMBER,
        written_at=datetime(2026, 1, 1, tzinfo=UTC),
        address="ada@shop.example",
        name="Ada",
        unsubscribe_url=unsubscribe_url,
    )


def values(purpose: str, locale: str | None) -> list[Mapping[str, Any]]:
    """Return all variables of a form, once with every value and once with as few as can be."""
    if purpose == "optin":
        return [
            with_head(
                OptinRequest(
                    shop_name=FACTS.shop_name,
                    product_title=FACTS.product_title,
                    confirm_url="https://shop.example/confirm",
                    locale=locale,
                    shop_url=FACTS.shop_url,
                    brand=brand,
                ).shared
            )
            for brand in (RICH, Brand())
        ]
    reader = recipient()
    found: list[Mapping[str, Any]] = []
    for facts, to in ((FACTS, reader), (BARE, replace(reader, name=None))):
        prepared = Prepared(facts, locale, OwnParts())
        found.append(with_head({**prepared.shared, **prepared.fillings(to)}))
    return found
