"""The storefront's view of preorders: the offer of a variant, in the shopper's language."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.routing import Route

from openstoq.actions.validation import read_values
from openstoq.jobs.work import Runtime
from openstoq.kernel.ids import MarketId, VariantId
from openstoq.kernel.types import Line, Locale
from openstoq.preorders.offers import rules, translation_store, views
from openstoq.preorders.offers.offered_variants import load_variants
from openstoq.preorders.offers.storefront import availability, line_items, metafields
from openstoq.preorders.offers.storefront.sold_units import SoldUnits
from openstoq.web.requests import query_of
from openstoq.web.storefront import public

PATH = "/api/storefront/preorders"


class OfferQuery(BaseModel):
    """The query: a variant, a market and a language."""

    model_config = ConfigDict(extra="forbid")

    variant_id: VariantId
    market_id: MarketId | None = None
    locale: Locale = "en"
    shop: Line | None = None


def routes(runtime: Runtime) -> list[Route]:
    """Return the route for storefronts; they have no key, so their requests name the shop."""

    async def answer(request: Request) -> dict[str, Any]:
        return await _answer(runtime, request)

    return [public.route(PATH, "GET", "preorders", answer)]


async def _answer(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Return the body of the response: the offer that takes precedence, in the requested language.

    If no offer applies to the variant, `offer` is None and `sold_out` is false.
    """
    asked = read_values(OfferQuery, query_of(request.scope))
    shop = await public.admitted(runtime, request, asked.shop)
    now = runtime.clock()
    seconds = runtime.settings.database.read_seconds
    async with runtime.database.transaction(shop.id, seconds=seconds) as db:
        found = await load_variants(db, shop.id, [asked.variant_id])
        offers = [offer for one in found for offer, _ in one.selling.offers]
        translations = await translation_store.overrides(
            db, shop.id, [offer.id for offer in offers]
        )
        sold_out = bool(found) and await availability.is_sold_out(
            db,
            shop.id,
            found[0].selling,
            asked.market_id,
            now,
            sold_units=runtime.ports.get(SoldUnits),
        )
    applying = rules.by_precedence(offers, now, asked.market_id)
    if not applying:
        return {"variant_id": asked.variant_id, "offer": None, "sold_out": sold_out}
    offer = applying[0]
    described = metafields.described(rules.as_sold(offer, now), translations[offer.id])
    shown = metafields.localized(described, asked.locale)
    on_variant = metafields.on_variant(found[0].selling, now)
    shipping_text = metafields.shipping_text(on_variant, asked.market_id)
    if shipping_text == described["shipping"]["display"]["shipping_text"]:
        # Only the offer's text is translated; a variant's own text has no translations.
        shipping_text = shown["shipping"]["display"]["shipping_text"]
    if offer.advanced.line_item_properties.include_shipping_text:
        shown["line_item_properties"] = line_items.with_shipping(
            shown["line_item_properties"], shipping_text
        )
    return {
        "variant_id": asked.variant_id,
        "offer": {
            "id": str(offer.id),
            **shown,
            "schedule": views.schedule(offer, now).model_dump(mode="json"),
        },
        # Counts are left out, because remaining quantities are the merchant's private business.
        "shipping_text": shipping_text,
        "sold_out": sold_out,
    }
