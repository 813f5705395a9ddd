"""Customers of a shop."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True, eq=False, kw_only=True)
class Customer:
    """A shopper who has bought something."""

    id: int
    created_at: datetime
    updated_at: datetime
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    locale: str = "en"
