"""The request bodies of API v1, as its reference describes them."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from openstoq.back_in_stock.signups.model import Channel
from openstoq.kernel.ids import CustomerId, MarketId, ProductId, VariantId
from openstoq.kernel.types import CountryHint, Line, Locale, OnOneLine, Quantity, none_if_empty

_NONE_IF_EMPTY = BeforeValidator(none_if_empty)


class Lenient(BaseModel):
    """Base of v1's request bodies, which ignore unknown fields as the original API does."""

    model_config = ConfigDict(extra="ignore")


class IntentInput(Lenient):
    """The variant that the shopper waits for, and the channel to notify them on."""

    shopify_variant_id: VariantId
    shopify_product_id: ProductId
    shopify_market_id: Annotated[MarketId | None, _NONE_IF_EMPTY] = None
    channel: Channel
    quantity: Quantity = 1
    source: Line = "api"


class CustomerInput(Lenient):
    """The shopper who waits.

    The documented `id` "from a previous call" is ignored, because it does not prove who the shopper
    is.
    """

    name: Line | None = None
    email: Line | None = None
    phone: Line | None = None
    push: Annotated[str, Field(max_length=4096), OnOneLine] | None = None
    country_code: Line | None = None
    country: CountryHint = None
    accepts_marketing: bool | None = None
    locale: Locale = None
    shopify_market_id: Annotated[MarketId | None, _NONE_IF_EMPTY] = None
    shopify_customer_id: Annotated[CustomerId | None, _NONE_IF_EMPTY] = None


class CreateIntent(Lenient):
    """The body of POST /intents.

    The documented `product` is ignored, because the catalogue already contains the product.
    """

    intent: IntentInput
    customer: CustomerInput


IntentIds = Annotated[list[Line], Field(min_length=1, max_length=1000)]


class DestroyIntents(Lenient):
    """The body of DELETE /intents/bulk_destroy."""

    intent_ids: IntentIds


class NotifyIntent(Lenient):
    """The body of POST /intents/notify_intent."""

    id: Line
    allow_resend: bool = False


class NotifyIntents(Lenient):
    """The body of POST /intents/bulk_notify_intent."""

    intent_ids: IntentIds
    allow_resend: bool = False


class TransferSignups(Lenient):
    """The body of POST /intents/transfer_signups."""

    from_shopify_variant_id: VariantId
    from_shopify_product_id: ProductId
    to_shopify_variant_id: VariantId
    to_shopify_product_id: ProductId
    intent_type: Literal["unsent", "sent", "all"] = "unsent"
