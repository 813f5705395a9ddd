"""An alert, and who gets it."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from openstoq.messaging.compose import TEMPLATES
from openstoq.messaging.render import (
    AlertFacts,
    Recipient,
)

NUMBER = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


FACTS = AlertFacts(
    shop_name="Nordwand",
    shop_url="https://nordwand.example",
    sender="shop@nordwand.example",
    product_title="Trail Jacket",
    variant_title="Blue / M",
    product_url="https://nordwand.example/products/trail-jacket?variant=42",
    image_url="https://cdn.example/jacket.png?v=1&width=1200",
    price=Decimal("1249.5"),
    currency="EUR",
    message_id_domain="mail.nordwand.example",
    reply_to="hello@nordwand.example",
)


WRITTEN = datetime(2026, 7, 1, 12, 30, 15, tzinfo=UTC)


RECIPIENT = Recipient(
    notification_id=NUMBER,
    written_at=WRITTEN,
    address="ada@example.com",
    name="Ada",
    unsubscribe_url="https://api.example/u/abc?shop=1&x=2",
)


LANGUAGES = sorted(file.stem for file in (TEMPLATES / "locales").glob("*.toml"))
