"""The shop's public pages: a list, a page per product, the pictures."""

from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from shopify_sandbox.admin.records import global_id
from shopify_sandbox.cards import CHOICES
from shopify_sandbox.control.preorder_views import group_view, groups_of, metafields_view
from shopify_sandbox.money import digits
from shopify_sandbox.pages.templating import TEMPLATES
from shopify_sandbox.pages.theme import line_properties
from shopify_sandbox.records.catalogue import Product, Variant
from shopify_sandbox.shop import Shop
from shopify_sandbox.shops import Sandbox

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
# All products that were not seeded have the picture "other".
_PICTURES = {
    each.stem: each.read_bytes() for each in Path(__file__).with_name("pictures").glob("*.png")
}


def storefront_routes(sandbox: Sandbox) -> list[Route]:
    """Return the routes of every shop's pages."""

    async def front(request: Request) -> Response:
        shop = shop_of(sandbox, request)
        on_sale = [each for each in shop.products.values() if each.is_open(shop.clock())]
        return page("shop.html", shop, products=on_sale)

    async def product_page(request: Request) -> Response:
        shop = shop_of(sandbox, request)
        product = _by_handle(shop, request.path_params["handle"])
        if not product.is_open(shop.clock()):
            raise HTTPException(404, "This product is not for sale in the online store.")
        chosen = _chosen(product, request.query_params.get("variant"))
        groups = [group_view(each) for each in groups_of(shop, chosen)] if chosen else []
        return page(
            "product.html",
            shop,
            product=product,
            variant=chosen,
            groups=groups,
            properties=line_properties(shop, chosen) if chosen and not groups else {},
            metafields=metafields_view(shop, global_id(chosen)) if chosen else [],
            money_of=lambda charge: f"{charge['amount']} {charge['currency_code']}",
            locations=list(shop.locations.values()),
            countries=[each.code for market in shop.markets.values() for each in market.regions],
            card_names=CHOICES,
            signup_api=sandbox.config.signup_api,
        )

    async def file(request: Request) -> Response:
        product = _by_handle(shop_of(sandbox, request), request.path_params["handle"])
        png = _PICTURES.get(product.handle, _PICTURES["other"])
        return Response(png, media_type="image/png", headers={"Cache-Control": "max-age=86400"})

    return [
        Route("/shops/{domain}/", front),
        Route("/shops/{domain}/products/{handle}", product_page),
        Route("/shops/{domain}/files/{handle}.png", file),
    ]


def shop_of(sandbox: Sandbox, request: Request) -> Shop:
    """Return the shop in a request's path; raise HTTPException (404) if there is no such shop."""
    opened = sandbox.shops.get(request.path_params["domain"])
    if opened is None:
        raise HTTPException(404, "There is no such shop.")
    return opened.shop


def _by_handle(shop: Shop, handle: str) -> Product:
    for each in shop.products.values():
        if each.handle == handle:
            return each
    raise HTTPException(404, "There is no such product.")


def _chosen(product: Product, asked: str | None) -> Variant | None:
    for each in product.variants:
        if str(each.id) == asked:
            return each
    return next(
        (each for each in product.variants if each.available_for_sale),
        product.variants[0] if product.variants else None,
    )


def page(
    template: str, shop: Shop, *, status: int = 200, currency: str | None = None, **context: Any
) -> HTMLResponse:
    """Return a page of a shop, with amounts in `currency`, or else in the shop's own currency."""
    currency = currency or shop.config.currency
    symbol = _SYMBOLS.get(currency, f"{currency} ")

    def money(amount: Any) -> str:
        return f"{symbol}{amount:,.{digits(currency)}f}"

    text = TEMPLATES.get_template(template).render(shop=shop, money=money, **context)
    return HTMLResponse(text, status)
