"""The actions on a shop's brand, which its mails and pages show."""

from dataclasses import dataclass

from openstoq.actions.action import Action
from openstoq.actions.capability import Capability
from openstoq.actions.context import Context
from openstoq.errors import Invalid
from openstoq.messaging.brand import Brand
from openstoq.shops import store as shops
from openstoq.shops.senders import may_send_from


@dataclass(slots=True)
class Owner:
    """The shop as the owner of its brand."""

    brand: Brand


CAPABILITY = Capability(
    Brand,
    name="brand",
    about="the shop's brand: logo, colors, footer and sender of its mails and pages",
    note="Colors are written like #1A2B3C. Without button_text_color, the text on buttons is black "
    "or white, whichever is easier to read. footer may have several lines, such as your postal "
    "address. sender is the address that mails come from: the relay has to be allowed to send for "
    "its domain (SPF, DKIM). reply_to is where shoppers' replies go; null: the shop's contact "
    "address. Null stands for the default everywhere.",
    aliases=("mail design", "logo", "sender address"),
)


async def load(context: Context, *, lock: bool) -> Owner:
    """Load the caller's shop with its brand."""
    shop = await shops.load_locked(context.db, context.shop_id) if lock else context.shop
    return Owner((shop or context.shop).brand)


async def save(context: Context, owner: Owner) -> None:
    """Save the brand; raise Invalid if the operator does not let shops send from this domain."""
    sender = owner.brand.sender
    if sender is not None and not may_send_from(context.runtime.settings.mail, sender):
        raise Invalid(
            "brand.sender must be an address of a domain that the operator of this installation "
            f"allows: {context.runtime.settings.mail.sender_domains}"
        )
    await shops.save_brand(context.db, context.shop_id, owner.brand, context.runtime.clock())


ACTIONS: tuple[Action, ...] = tuple(
    CAPABILITY.actions("back_in_stock", "/back_in_stock", load=load, save=save)
)
