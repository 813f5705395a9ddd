"""The send log as the API shows it."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from openstoq.back_in_stock.signups.model import Channel, VariantView
from openstoq.kernel.paging import PageMeta

Status = Literal["queued", "sending", "sent", "failed", "unknown", "blocked"]


class NotificationView(BaseModel):
    """One message of the send log.

    `error` is the relay's last reply, or our own text if there was none. `blocked_reason` is the
    reason why the message was blocked.
    """

    id: UUID
    signup_id: UUID
    status: Status
    channel: Channel
    contact: str
    variant: VariantView
    attempts: int
    error: str | None
    blocked_reason: str | None
    sent_at: datetime | None
    created_at: datetime


class NotificationPage(BaseModel):
    """A page of the send log, newest first."""

    notifications: list[NotificationView]
    meta: PageMeta
