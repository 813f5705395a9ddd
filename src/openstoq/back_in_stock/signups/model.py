"""A signup as the API shows it, and the data of a new signup."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from openstoq.kernel.contacts import mailbox_of
from openstoq.kernel.paging import PageMeta

Channel = Literal["email", "sms", "push"]
# An orphaned signup waits for a variant that was deleted, until it is moved to another.
Status = Literal["pending", "notified", "unsubscribed", "blocked", "orphaned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A shopper's validated e-mail address, phone number or push token, from rules.contact_of."""

    channel: Channel
    address: str  # e-mail in lower case, phone in E.164, or push token

    @property
    def identity(self) -> str:
        """The text by which the same shopper is recognised in another signup."""
        return f"{self.channel}:{self.address}"

    @property
    def mailbox(self) -> str:
        """The mailbox that the address belongs to; signups and mails are counted per mailbox."""
        return mailbox_of(self.address) if self.channel == "email" else self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSignup:
    """The data of a new signup."""

    contact: Contact
    variant_id: int
    product_id: int | None
    quantity: int
    source: str
    market_id: int | None = None
    name: str | None = None
    locale: str | None = None
    country: str | None = None
    accepts_marketing: bool | None = None
    shopify_customer_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signup:
    """The fields of a signup that `rules` needs for its decisions."""

    id: UUID
    channel: Channel
    contact: str
    variant_id: int
    product_id: int
    wave_id: UUID | None
    optin_required: bool
    optin_confirmed_at: datetime | None
    notified_at: datetime | None
    unsubscribed_at: datetime | None
    blocked_at: datetime | None
    is_closed: bool = False
    """True if nobody can open the product, or the variant was deleted."""
    channel_is_on: bool = True


class VariantView(BaseModel):
    """The variant that the shopper waits for; its title is null until the catalogue has it."""

    shopify_variant_id: int
    shopify_product_id: int
    title: str | None


class CustomerView(BaseModel):
    """The shopper who signed up."""

    id: UUID
    email: str | None
    name: str | None


class OptinView(BaseModel):
    """Double opt-in: whether a confirmation is required and has been given."""

    required: bool
    confirmed: bool


class SyncView(BaseModel):
    """The state of the last message: pending while under way, failed if it was not delivered."""

    state: Literal["pending", "synced", "failed"]
    error: str | None


class SignupView(BaseModel):
    """A signup."""

    id: UUID
    status: Status
    channel: Channel
    contact: str
    quantity: int
    variant: VariantView
    customer: CustomerView
    optin: OptinView
    notifications_sent: int
    last_notified_at: datetime | None
    sync: SyncView
    created_at: datetime
    updated_at: datetime


class SignupPage(BaseModel):
    """A page of signups, newest first."""

    signups: list[SignupView]
    meta: PageMeta


class Deleted(BaseModel):
    """Confirmation that a signup was deleted."""

    id: UUID
    deleted: bool


class BulkDeleted(BaseModel):
    """The number of deleted signups."""

    deleted_count: int


class Failed(BaseModel):
    """The reason why one signup of several was not processed."""

    signup_id: UUID
    error: str


class BulkNotified(BaseModel):
    """The signups that are being notified, and those that are not, with the reasons."""

    success: list[UUID]
    failed: list[Failed]


class Unblocked(BaseModel):
    """The number of signups that were made pending again."""

    unblocked_count: int


@dataclass(frozen=True, slots=True)
class Target:
    """A variant to which signups are to move.

    `product_id` is None if the catalogue does not have the variant. `is_missing` is true if the
    shop does not sell the variant. While the catalogue is being read for the first time, a variant
    that has not been read yet is not counted as missing.
    """

    product_id: int | None
    is_missing: bool


class Transferred(BaseModel):
    """The number of moved signups, and of signups dropped because they would repeat another."""

    transferred_count: int
    dropped_count: int
