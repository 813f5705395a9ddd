"""A shop's templates as the API shows them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from openstoq.back_in_stock.templates.store import EVERY_LANGUAGE, StoredPart
from openstoq.messaging.letter import OwnParts

Channel = Literal["email"]
Purpose = Literal["alert", "optin"]
PartName = Literal["subject", "text", "html"]


class OwnTemplate(BaseModel):
    """A part of a message for which the shop has its own template.

    `locale` is null if it is for every language without one of its own. If the template could not
    be rendered since it was stored, `failed_at` and `failure` tell when and why; our own template
    was used then.
    """

    locale: str | None
    part: str
    updated_at: datetime
    failed_at: datetime | None
    failure: str | None

    @classmethod
    def of(cls, stored: StoredPart) -> "OwnTemplate":
        """Return a stored template without its text."""
        return cls(
            locale=None if stored.locale == EVERY_LANGUAGE else stored.locale,
            part=stored.part,
            updated_at=stored.updated_at,
            failed_at=stored.failed_at,
            failure=stored.failure,
        )


class MessageTemplate(BaseModel):
    """A message, the parts and variables of its templates, and the shop's own ones."""

    channel: Channel
    template: Purpose
    parts: list[str]
    variables: list[str]
    own: list[OwnTemplate]


class TemplateList(BaseModel):
    """All messages; tags and filters are the same in all templates."""

    templates: list[MessageTemplate]
    tags: list[str]
    filters: list[str]
    languages: list[str]


class PartSource(BaseModel):
    """The template that is used for a part in a locale.

    It is ours unless `is_own`; then `locale` is the one that it is stored under, or null if it is
    for every language.
    """

    source: str
    is_own: bool
    locale: str | None


class TemplateSource(BaseModel):
    """The templates that are used for a message in a locale."""

    channel: Channel
    template: Purpose
    locale: str | None
    parts: dict[str, PartSource]


class PreviewedProduct(BaseModel):
    """The product of a preview; the id is null if it is a sample."""

    title: str
    shopify_variant_id: int | None


class Preview(BaseModel):
    """A message as a shopper would get it.

    `problems` has a sentence for each of the shop's own templates that failed, for which ours was
    used.
    """

    channel: Channel
    template: Purpose
    locale: str
    subject: str
    text: str
    html: str
    product: PreviewedProduct
    problems: list[str]


class TestMail(BaseModel):
    """A test mail that will be sent."""

    __test__ = False

    email: str
    template: Purpose
    locale: str


def problems_of(own: OwnParts) -> list[str]:
    """Return a sentence for each of the shop's own templates that failed."""
    return [
        f"{part} could not be rendered with this product ({kind}), so the default was used"
        for (_, part), kind in own.failures.items()
    ]
