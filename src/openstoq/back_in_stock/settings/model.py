"""The five documents of a shop's back-in-stock settings, with their defaults."""

from typing import Annotated, Literal

from pydantic import Field

from openstoq.kernel.ids import LocationId, ProductId
from openstoq.kernel.patch import Settings
from openstoq.kernel.types import Tag

_NOT_TOO_MANY = Field(max_length=1000)


class Toggle(Settings):
    """A feature that is on or off."""

    enabled: bool = False


class EmailChannel(Settings):
    """The e-mail channel, the only channel that is on by default."""

    enabled: bool = True


class Channels(Settings):
    """The channels on which shoppers may be notified."""

    email: EmailChannel = EmailChannel()
    sms: Toggle = Toggle()
    push: Toggle = Toggle()


class Batching(Settings):
    """Notifying shoppers in batches instead of all at once."""

    enabled: bool = False
    mode: Literal["multiplier", "fixed"] = "multiplier"
    multiplier: Annotated[int, Field(ge=1, le=1000)] = 1
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = 50
    wait_hours: Annotated[int, Field(ge=1, le=720)] = 24


class LocationFilter(Settings):
    """Counting the stock of some locations only."""

    filter_enabled: bool = False
    location_ids: Annotated[list[LocationId], _NOT_TOO_MANY] = []


class AnyVariant(Settings):
    """Products whose shoppers are notified when any of the product's variants is back in stock."""

    enabled: bool = False
    product_ids: Annotated[list[ProductId], _NOT_TOO_MANY] = []


class Delivery(Settings):
    """The conditions under which alerts are sent, and their pace."""

    batching: Batching = Batching()
    stock_threshold: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    locations: LocationFilter = LocationFilter()
    any_variant: AnyVariant = AnyVariant()
    unknown_outcome: Literal["resend", "hold"] = "resend"


class Compliance(Settings):
    """Double opt-in: whether shoppers must confirm a signup before they are notified."""

    optin_required: bool = False


class OrderTags(Settings):
    """The tag for orders that were placed because of an alert."""

    enabled: bool = False
    tag: Tag = "STOQ-back-in-stock"


class Tagging(Settings):
    """Tagging in Shopify."""

    order_tags: OrderTags = OrderTags()


class SignupsThreshold(Settings):
    """Notifying the merchant when many shoppers wait for the same variant."""

    notify: bool = False
    count: Annotated[int, Field(ge=1, le=1_000_000)] = 10


class ScheduledReports(Settings):
    """Reports mailed to the merchant."""

    daily: bool = False
    weekly: bool = False
    monthly: bool = False


class Alerts(Settings):
    """Mails to the merchant."""

    signups_threshold: SignupsThreshold = SignupsThreshold()
    scheduled_reports: ScheduledReports = ScheduledReports()


class BackInStockSettings(Settings):
    """All five documents of the shop's back-in-stock settings."""

    channels: Channels = Channels()
    delivery: Delivery = Delivery()
    compliance: Compliance = Compliance()
    tagging: Tagging = Tagging()
    alerts: Alerts = Alerts()
