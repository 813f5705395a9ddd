"""The cart check, which tells a storefront before checkout whether a cart may be ordered."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainValidator
from starlette.requests import Request
from starlette.routing import Route

from openstoq.actions.validation import read_body, read_values
from openstoq.catalog import markets
from openstoq.jobs.work import Runtime
from openstoq.kernel.ids import CustomerId, MarketId, SellingPlanId, VariantId
from openstoq.kernel.types import Country, Line, Locale, Quantity
from openstoq.preorders.cart import check
from openstoq.preorders.cart.rules import Cart, CartLine
from openstoq.web.requests import json_body_of, query_of
from openstoq.web.storefront import offers, public

PATH = f"{offers.PATH}/check"
MOST_LINES = 250
# A cart of the most lines, with every id in its longest form, has 62 KB.
MOST_BYTES = 65_536


_TERMS = f"must be true, false, or a list of at most {MOST_LINES} ids of offers"


def _terms(value: Any) -> bool | list[UUID]:
    if isinstance(value, bool):
        return value
    if not isinstance(value, list) or len(value) > MOST_LINES:
        raise ValueError(_TERMS)
    try:
        return [UUID(offer_id) for offer_id in value]
    except (ValueError, TypeError, AttributeError):
        raise ValueError(_TERMS) from None


# pydantic would tell of a union once for each of its members, in its own words.
Terms = Annotated[bool | list[UUID], PlainValidator(_terms)]


class Named(BaseModel):
    """The query, which names the shop unless the header does."""

    model_config = ConfigDict(extra="forbid")

    shop: Line | None = None


class CartCheckLine(BaseModel):
    """A line of the cart, with its selling plan, or the offer that is named by a line property."""

    model_config = ConfigDict(extra="forbid")

    variant_id: VariantId
    quantity: Quantity
    selling_plan_id: SellingPlanId | None = None
    offer_id: UUID | None = None


class CartCheckCustomer(BaseModel):
    """The shopper who is about to order.

    Requests may contain this object, but it is ignored, because it does not prove who the shopper
    is.
    """

    model_config = ConfigDict(extra="forbid")

    id: CustomerId | None = None
    email: Line | None = None


class CartCheckRequest(BaseModel):
    """The body: a cart, with the market, country and language of the order."""

    model_config = ConfigDict(extra="forbid")

    lines: Annotated[list[CartCheckLine], Field(min_length=1, max_length=MOST_LINES)]
    customer: CartCheckCustomer | None = None
    market_id: MarketId | None = None
    country: Country = None
    terms_accepted: Terms = False
    locale: Locale = "en"


def routes(runtime: Runtime) -> list[Route]:
    """Return the route for storefronts; they have no key, so their requests name the shop."""

    async def answer(request: Request) -> dict[str, Any]:
        return await _answer(runtime, request)

    return [public.route(PATH, "POST", "preorders/check", answer)]


async def _answer(runtime: Runtime, request: Request) -> dict[str, Any]:
    """Return the body of the response: whether the cart is acceptable, and all its problems."""
    named = read_values(Named, query_of(request.scope))
    shop = await public.admitted(runtime, request, named.shop)
    asked = read_body(CartCheckRequest, await json_body_of(request))
    seconds = runtime.settings.database.read_seconds
    async with runtime.database.transaction(shop.id, seconds=seconds) as db:
        market_id = asked.market_id
        if market_id is None and asked.country is not None:
            market_id = await markets.market_of(db, shop.id, asked.country)
        found = await check.check(db, shop.id, _cart(asked, market_id), runtime.clock())
    problems = [{**asdict(one), "offer_id": str(one.offer_id)} for one in found]
    return {"acceptable": not problems, "problems": problems}


def _cart(asked: CartCheckRequest, market_id: int | None) -> Cart:
    terms = asked.terms_accepted
    return Cart(
        lines=[
            CartLine(
                variant_id=line.variant_id,
                quantity=line.quantity,
                plan_id=line.selling_plan_id,
                offer_id=line.offer_id,
            )
            for line in asked.lines
        ],
        market_id=market_id,
        terms=terms if isinstance(terms, bool) else frozenset(terms),
        locale=asked.locale,
    )
