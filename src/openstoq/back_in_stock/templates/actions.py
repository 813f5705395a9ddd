"""The actions on a shop's own templates of back-in-stock messages."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from openstoq.actions.action import ActionSet
from openstoq.actions.context import Context
from openstoq.actions.requirements import AnyOf
from openstoq.back_in_stock.templates import store
from openstoq.back_in_stock.templates.jobs import send_test_mail
from openstoq.back_in_stock.templates.model import (
    Channel,
    MessageTemplate,
    OwnTemplate,
    PartName,
    PartSource,
    Preview,
    Purpose,
    TemplateList,
    TemplateSource,
    TestMail,
)
from openstoq.back_in_stock.templates.preview import draft
from openstoq.back_in_stock.templates.store import EVERY_LANGUAGE
from openstoq.errors import Conflict, Invalid, TooManyRequests
from openstoq.kernel.contacts import email_address, mailbox_of
from openstoq.kernel.ids import VariantId, new_id
from openstoq.kernel.places import locale_tag
from openstoq.kernel.types import Clean, Line
from openstoq.messaging import forms, samples
from openstoq.messaging.bounded_liquid import FILTERS, TAGS
from openstoq.messaging.compose import LANGUAGES, source
from openstoq.messaging.forms import MessageKind
from openstoq.messaging.letter import OwnPart, OwnParts
from openstoq.shops import store as shops
from openstoq.shops.seal import Seal

# The most test mails within a day: of a shop, and to a mailbox together with the requests to
# confirm that forms send there, because anybody's address can be entered.
MOST_OF_A_SHOP, MOST_TO_A_MAILBOX = 100, 20
MOST_LOCALES = 50

Subject = Annotated[str | None, Field(max_length=2000), Clean]
Body = Annotated[str | None, Field(max_length=100_000), Clean]
NO_PART = "send at least one of subject, text and html"

templates = ActionSet("back_in_stock.templates", "/back_in_stock/templates")


@templates.get(
    name="list", aliases=("show the message templates", "which variables does a mail have")
)
async def list_templates(context: Context) -> TemplateList:
    """List the messages of back-in-stock, and which templates of them are the shop's own.

    variables are the names that a template of the message may print, such as {{ product_title }}.
    texts.… are our sentences in the reader's language.
    """
    stored = await store.load(context.db, context.shop_id)
    return TemplateList(
        templates=[
            MessageTemplate(
                channel=kind.channel,
                template=kind.purpose,
                parts=list(form.parts),
                variables=forms.variable_names(samples.values(kind.purpose, None)[0]),
                own=[OwnTemplate.of(one) for one in stored if (one.channel, one.purpose) == kind],
            )
            for kind, form in forms.FORMS.items()
        ],
        tags=list(TAGS),
        filters=list(FILTERS),
        languages=list(LANGUAGES),
    )


@templates.get("/source", aliases=("show a template", "show the text of a mail"))
async def show_source(
    context: Context,
    *,
    template: Purpose = "alert",
    locale: Line | None = None,
    channel: Channel = "email",
) -> TemplateSource:
    """Read the templates that are used for a message in a locale, the shop's own or ours.

    Without a locale: those for every language that has none of its own.
    """
    return await _source(context, MessageKind(channel, template), _stored_locale(locale))


@templates.post(
    "/set",
    name="set",
    aliases=("change a mail template", "write my own mail"),
    requires=(AnyOf(("subject", "text", "html"), NO_PART),),
)
async def set_template(
    context: Context,
    *,
    template: Purpose,
    locale: Line | None = None,
    subject: Subject = None,
    text: Body = None,
    html: Body = None,
    channel: Channel = "email",
) -> TemplateSource:
    """Set the shop's own Liquid templates of a message, for one locale or for all.

    Parts that are left out stay as they are. Without a locale they are for every language that has
    none of its own; {{ texts.… }} are then our sentences in each reader's language. A template that
    cannot be rendered, or names a variable or filter that does not exist, is refused: a 422 response
    lists every problem. text and html have to print the link by which shoppers unsubscribe
    ({{ unsubscribe_url }}) or confirm ({{ confirm_url }}). In html, values are escaped.
    """
    kind, into = MessageKind(channel, template), _stored_locale(locale)
    sources = _sent(subject, text, html)
    await _check(kind, into, sources)
    held = {one.locale for one in await store.load(context.db, context.shop_id, kind)}
    if into not in held and len(held) >= MOST_LOCALES:
        raise Conflict(
            f"there are templates for {MOST_LOCALES} locales already; unset one of them first"
        )
    now = context.runtime.clock()
    await store.write(context.db, context.shop_id, kind, into, sources, now=now)
    return await _source(context, MessageKind(channel, template), into)


@templates.post("/unset", aliases=("remove my own template", "use the default mail again"))
async def unset(
    context: Context,
    *,
    template: Purpose,
    locale: Line | None = None,
    part: PartName | None = None,
    channel: Channel = "email",
) -> TemplateSource:
    """Remove the shop's own templates of a message in a locale, so that ours are used again.

    Without a part: all of them. Removing one that does not exist is not an error.
    """
    into = _stored_locale(locale)
    kind = MessageKind(channel, template)
    await store.delete(context.db, context.shop_id, kind, into, part)
    return await _source(context, MessageKind(channel, template), into)


@templates.post("/preview", status=200, aliases=("preview a mail", "show me the alert"))
async def preview(
    context: Context,
    *,
    template: Purpose,
    locale: Line | None = None,
    shopify_variant_id: VariantId | None = None,
    subject: Subject = None,
    text: Body = None,
    html: Body = None,
    channel: Channel = "email",
) -> Preview:
    """Render a message as a shopper would get it, and store nothing.

    subject, text and html are templates to try out in place of the stored ones; they are checked as
    set checks them. Without a locale: the shop's language. Without a variant: a sample product.
    """
    kind, read = MessageKind(channel, template), _reader_locale(context, locale)
    sources = _sent(subject, text, html)
    await _check(kind, read, sources)
    stored = await store.own_templates(context.db, context.shop_id, kind)
    parts = {name: OwnPart(one, read) for name, one in sources.items()}
    own = OwnParts({**stored.parts_for(read).parts, **parts})
    message = await draft(
        context, context.shop, template, locale=read, variant_id=shopify_variant_id, own=own
    )
    return await asyncio.to_thread(message.preview)


@templates.post("/send_test", aliases=("send a test mail", "mail me the alert"))
async def send_test(
    context: Context,
    *,
    template: Purpose,
    email: Line | None = None,
    locale: Line | None = None,
    shopify_variant_id: VariantId | None = None,
    channel: Channel = "email",
) -> TestMail:
    """Send a message with the stored templates to yourself, as a shopper would get it.

    Without an email: to the shop's own address. Its links change nobody's sign-up. A shop may send
    100 test mails in 24 hours, and a mailbox gets no more than 20 from all shops.
    """
    read = _reader_locale(context, locale)
    try:
        address = email_address(email) if email is not None else context.shop.email
    except ValueError as error:
        raise Invalid(f"email is not an e-mail address: {error}") from None
    if address is None:
        raise Invalid(
            "email is required, because the shop has no address of its own; set one in Shopify or "
            "send it here"
        )
    # An unknown variant is refused here, where somebody reads the answer.
    await draft(
        context,
        context.shop,
        template,
        locale=read,
        variant_id=shopify_variant_id,
        own=OwnParts(),
    )
    await _count(context, address)
    context.enqueue(
        send_test_mail,
        test_id=new_id(),
        sealed_email=context.runtime.ports.get(Seal).close(address).decode(),
        channel=channel,
        template=template,
        locale=read,
        variant_id=shopify_variant_id,
    )
    return TestMail(email=address, template=template, locale=read)


async def _count(context: Context, address: str) -> None:
    """Count a test mail; raise TooManyRequests if there were enough of them."""
    seal = context.runtime.ports.get(Seal)
    of_shop = seal.digest("test mails of", str(context.shop_id))
    to_mailbox = seal.digest("asked contact", mailbox_of(address))
    if not await shops.may_ask(context.db, of_shop, most=MOST_OF_A_SHOP):
        raise TooManyRequests(
            f"this shop has sent {MOST_OF_A_SHOP} test mails in 24 hours; use preview, or try again "
            "later"
        )
    if not await shops.may_ask(context.db, to_mailbox, most=MOST_TO_A_MAILBOX):
        raise TooManyRequests(
            f"{MOST_TO_A_MAILBOX} mails of this kind were sent to this mailbox in 24 hours; use "
            "preview, or another address"
        )


def _sent(subject: str | None, text: str | None, html: str | None) -> dict[str, str]:
    parts = {"subject": subject, "text": text, "html": html}
    # Editors on Windows end lines differently, and a mail is encoded with its own line ends.
    return {
        name: one.replace("\r\n", "\n").replace("\r", "\n")
        for name, one in parts.items()
        if one is not None
    }


async def _check(kind: MessageKind, locale: str, sources: Mapping[str, str]) -> None:
    """Raise Invalid with every problem of the templates."""

    def found() -> list[str]:
        form, values = forms.FORMS[kind], samples.values(kind.purpose, locale)
        return [
            problem
            for name, one in sources.items()
            for problem in forms.problems(form, name, one, values)
        ]

    # A template may take its time to be rendered, and other requests must not wait for it.
    problems = await asyncio.to_thread(found) if sources else []
    if problems:
        raise Invalid(*problems)


def _stored_locale(locale: str | None) -> str:
    return EVERY_LANGUAGE if locale is None else _known(locale)


def _reader_locale(context: Context, locale: str | None) -> str:
    return _known(locale) if locale is not None else context.shop.locale


def _known(locale: str) -> str:
    known = locale_tag(locale)
    if known is None:
        raise Invalid(f"locale {locale} is not a known language; write it like fr or pt-BR")
    return known


async def _source(context: Context, kind: MessageKind, locale: str) -> TemplateSource:
    own = (await store.own_templates(context.db, context.shop_id, kind)).parts_for(locale)
    parts = {
        name: PartSource(
            source=mine.source if (mine := own.get(name)) is not None else source(part.default),
            is_own=mine is not None,
            locale=(mine.locale or None) if mine is not None else None,
        )
        for name, part in forms.FORMS[kind].parts.items()
    }
    return TemplateSource(
        channel=kind.channel, template=kind.purpose, locale=locale or None, parts=parts
    )


ACTIONS = tuple(templates)
