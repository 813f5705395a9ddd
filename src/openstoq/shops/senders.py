"""The address that a shop's mails come from."""

from openstoq.config import Mail
from openstoq.shops.model import Shop


def may_send_from(mail: Mail, address: str) -> bool:
    """Return whether the operator lets shops send from an address of this domain."""
    allowed = {one.strip().lower() for one in mail.sender_domains.split(",") if one.strip()}
    return not allowed or address.rpartition("@")[2].lower() in allowed


def sender_of(mail: Mail, shop: Shop) -> str:
    """Return the address of the shop's brand, or the installation's if it has none of its own.

    The operator may have withdrawn a domain after a shop chose it.
    """
    chosen = shop.brand.sender
    return chosen if chosen is not None and may_send_from(mail, chosen) else mail.sender


def reply_to_of(shop: Shop) -> str | None:
    """Return the address at which the shop wants to read shoppers' replies."""
    return shop.brand.reply_to or shop.contact_email
