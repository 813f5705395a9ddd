"""The twelve actions on a shop's back-in-stock settings."""

from collections.abc import Collection, Mapping
from typing import Any

from openstoq.actions.action import Action, ActionSet
from openstoq.actions.capability import Capability, lay_over, toggles
from openstoq.actions.context import Context
from openstoq.actions.validation import Path
from openstoq.back_in_stock.settings import store
from openstoq.back_in_stock.settings.model import (
    Alerts,
    BackInStockSettings,
    Channels,
    Compliance,
    Delivery,
    Tagging,
)
from openstoq.catalog import unknown_ids
from openstoq.errors import Invalid
from openstoq.kernel.patch import partial_of

NAME, PATH = "back_in_stock.settings", "/back_in_stock/settings"

CAPABILITIES: tuple[Capability[Any], ...] = (
    Capability(
        Alerts,
        name="alerts",
        about="the merchant alerts and scheduled reports of back-in-stock",
        note="signups_threshold.count is the number of shoppers waiting for one variant at which "
        "the merchant is mailed, once for that variant.",
        aliases=("waitlist alert", "scheduled reports"),
    ),
    Capability(
        Channels,
        name="channels",
        about="the channels of back-in-stock notifications",
        note="A channel also needs its gateway in this installation's settings.",
        aliases=("notification channels", "sms alerts"),
    ),
    Capability(
        Compliance,
        name="compliance",
        about="the double opt-in of back-in-stock signups",
        note="While optin_required is on, a new signup gets an alert only after the shopper "
        "confirmed it by the link in a mail.",
        aliases=("double opt-in", "gdpr settings"),
    ),
    Capability(
        Delivery,
        name="delivery",
        about="when back-in-stock notifications go out (batching, stock threshold, locations, "
        "any variant)",
        note="batching.mode is multiplier (restocked quantity x batching.multiplier) or fixed "
        "(batching.batch_size); batching.wait_hours is the pause between two batches. "
        "stock_threshold is the least stock at which shoppers are notified. "
        "locations.location_ids and any_variant.product_ids are replaced as a whole. "
        "unknown_outcome decides whether a message that the relay may have accepted is sent again "
        "(resend) or held back (hold).",
        aliases=("stock threshold", "batch size"),
    ),
    Capability(
        Tagging,
        name="tagging",
        about="the tagging of orders placed because of a back-in-stock notification",
        note="order_tags.tag is the one tag that such an order gets.",
        aliases=("order tag",),
    ),
)


async def load(context: Context, *, lock: bool) -> BackInStockSettings:
    """Load the settings of the caller's shop."""
    if lock:
        return await store.load_locked(context.db, context.shop_id, context.runtime.clock())
    return await store.load(context.db, context.shop_id)


async def save(context: Context, settings: BackInStockSettings) -> None:
    """Save the settings.

    Raises Invalid if they newly name locations or products that the shop does not have.
    """
    before = (await store.load(context.db, context.shop_id)).delivery
    named = settings.delivery
    problems = [
        *await unknown_ids.problems(
            context.db,
            context.shop_id,
            "locations",
            set(named.locations.location_ids) - set(before.locations.location_ids),
            field="delivery.locations.location_ids",
        ),
        *await unknown_ids.problems(
            context.db,
            context.shop_id,
            "products",
            set(named.any_variant.product_ids) - set(before.any_variant.product_ids),
            field="delivery.any_variant.product_ids",
        ),
    ]
    if problems:
        raise Invalid(*problems)
    await store.save(context.db, context.shop_id, settings, context.runtime.clock())


shop_settings = ActionSet(NAME, PATH, load=load)


@shop_settings.get(aliases=("show back-in-stock settings",), loads=True)
async def read(_: Context, settings: BackInStockSettings) -> BackInStockSettings:
    """Read all back-in-stock settings of the shop."""
    return settings


async def update(
    context: Context, settings: BackInStockSettings, changes: dict[str, Any]
) -> BackInStockSettings:
    """Update back-in-stock settings of the shop."""
    problems = laid_over(settings, changes)
    if problems:
        raise Invalid(*problems)
    await save(context, settings)
    return settings


def laid_over(
    settings: BackInStockSettings, changes: Mapping[str, Any], unread: Collection[Path] = ()
) -> list[str]:
    """Apply changes to the settings; return all problems found, as sentences."""
    return lay_over(CAPABILITIES, settings, changes, unread)


update.__doc__ = (
    f"{update.__doc__}\n\nTakes any of channels, delivery, compliance, tagging and alerts, each "
    f"as its own PATCH does; all problems are reported at once. {toggles(BackInStockSettings)}"
)

shop_settings.patch(
    request=partial_of(BackInStockSettings),
    aliases=("change back-in-stock settings",),
    check=laid_over,
)(update)

ACTIONS: tuple[Action, ...] = (
    *shop_settings,
    *(
        action
        for capability in CAPABILITIES
        for action in capability.actions(NAME, PATH, load=load, save=save)
    ),
)
