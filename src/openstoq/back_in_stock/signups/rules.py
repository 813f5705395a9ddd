"""Decisions about signups, without I/O: is a contact valid, may a shopper be notified."""

from openstoq.back_in_stock.signups.model import Channel, Contact, Signup, Target
from openstoq.kernel.contacts import email_address, phone_number

# In bytes, because the token is indexed and PostgreSQL indexes 2,700 at most. Tokens of FCM and
# APNs have a few hundred, and a whole Web Push subscription fits.
LONGEST_PUSH_TOKEN = 2048
# The most signups without a confirmation that a mailbox may have in a shop: pending signups, and
# signups notified within a day. Each leads to a mail, and anybody can type anybody's address.
MOST_UNASKED = 20
# The answer to a signup for what is for sale: no restock would notify the shopper.
FOR_SALE = "This product is in stock: it can be bought now, so there is nothing to wait for"
NO_EMAIL = "email is required for the email channel"
NO_PHONE = "phone is required for the sms channel"
SENDABLE: frozenset[Channel] = frozenset({"email"})


class InvalidContactError(ValueError):
    """A contact that is missing or invalid; the message is a sentence that says why."""


def contact_of(
    channel: Channel,
    *,
    email: str | None = None,
    phone: str | None = None,
    push: str | None = None,
    country: str | None = None,
) -> Contact:
    """Return the channel's contact as it is stored; raise InvalidContactError if it is invalid.

    A phone number may be international, with or without its +, or a national number of `country`,
    which is a two-letter code.
    """
    if channel == "email":
        return Contact(channel=channel, address=_email(email))
    if channel == "sms":
        return Contact(channel=channel, address=_phone(phone, country))
    token = (push or "").strip()
    if not token:
        raise InvalidContactError("push is required for the push channel")
    if len(token.encode()) > LONGEST_PUSH_TOKEN or not token.isprintable():
        raise InvalidContactError(
            f"push must be a push notification token, of at most {LONGEST_PUSH_TOKEN} bytes"
        )
    return Contact(channel=channel, address=token)


def refusal(signup: Signup, *, allow_resend: bool) -> str | None:
    """Return why a signup may not be notified by hand now, regardless of stock.

    Returns None if the signup may be notified.
    """
    obstacles = {
        "The shopper has unsubscribed; only they can sign up again": (
            signup.unsubscribed_at is not None
        ),
        "A notification is already on its way; wait until it was sent": signup.wave_id is not None,
        "Already notified; send allow_resend: true to notify again": (
            signup.notified_at is not None and not allow_resend
        ),
        "The contact is blocked; unblock the signup, or create one with a working contact": (
            signup.blocked_at is not None
        ),
        "The shopper has not confirmed the signup yet; double opt-in is on": (
            signup.optin_required and signup.optin_confirmed_at is None
        ),
        f"No gateway for {signup.channel} is set up in this installation": (
            signup.channel not in SENDABLE
        ),
        f"The channel {signup.channel} is off; turn it on in the settings of back-in-stock": (
            not signup.channel_is_on
        ),
        "Nobody can open this product: publish it in the online store, or move the signup to "
        "another variant": signup.is_closed,
    }
    return next((sentence for sentence, stands in obstacles.items() if stands), None)


def undeletable(signup: Signup) -> str | None:
    """Return why a signup cannot be deleted, or None if it can."""
    if signup.notified_at is not None:
        return "Already notified; only pending signups can be deleted"
    if signup.wave_id is not None:
        return "A notification is on its way; delete the signup once it was sent"
    return None


def no_target(target: Target, product_id: int) -> str | None:
    """Return why signups cannot move to the variant `target`.

    `product_id` is the product that the caller named for the variant. Returns None if the signups
    can move.
    """
    if target.is_missing:
        return "to_shopify_variant_id is not a variant of this shop; send the id of one it sells"
    if target.product_id not in (None, product_id):
        return (
            f"to_shopify_product_id must be {target.product_id}, the product of "
            "to_shopify_variant_id"
        )
    return None


def _email(email: str | None) -> str:
    if not (email or "").strip():
        raise InvalidContactError(NO_EMAIL)
    try:
        return email_address((email or "").strip())
    except ValueError as error:
        raise InvalidContactError(f"email is not valid: {error}") from error


def _phone(phone: str | None, country: str | None) -> str:
    digits = (phone or "").strip()
    if not digits:
        raise InvalidContactError(NO_PHONE)
    region = country.upper() if country else None
    # The API's documents ask for the country code without +, but people also send national numbers.
    readings = (
        [(digits, None)] if digits.startswith("+") else [(f"+{digits}", None), (digits, region)]
    )
    if region and not digits.startswith("+") and digits.startswith("0"):
        readings.reverse()
    for text, country_of_it in readings:
        number = phone_number(text, country_of_it)
        if number is not None:
            return number
    raise InvalidContactError(
        "phone is not valid: send it with its country code, such as 14155552671"
    )
