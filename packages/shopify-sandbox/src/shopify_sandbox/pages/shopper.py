"""The pages of a shopper who buys: the checkout, the order's status, the payment of a balance."""

from typing import Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from shopify_sandbox import cards, charges, checkout
from shopify_sandbox.pages.storefront import page, shop_of
from shopify_sandbox.records.orders import Order
from shopify_sandbox.shop import Shop
from shopify_sandbox.shops import Sandbox

SEE_OTHER = 303


def shopper_routes(sandbox: Sandbox) -> list[Route]:
    """Return the routes of every shop's checkout and order pages."""

    async def buy(request: Request) -> Response:
        shop = shop_of(sandbox, request)
        filled_in = dict(parse_qsl((await request.body()).decode()))
        try:
            order = _place(shop, filled_in)
        except checkout.CheckoutError as error:
            back = request.headers.get("Referer") or f"{shop.url}/"
            return page("refused.html", shop, status=422, problem=str(error), back=back)
        return RedirectResponse(shop.order_url(order), SEE_OTHER)

    async def show(request: Request) -> Response:
        shop, order = _found(sandbox, request)
        return _order_page(shop, order, paying=False)

    async def show_pay(request: Request) -> Response:
        shop, order = _found(sandbox, request)
        return _order_page(shop, order, paying=True)

    async def pay(request: Request) -> Response:
        shop, order = _found(sandbox, request)
        # A shopper who presses the button twice pays once.
        if order.payable:
            charges.pay(shop, order)
        return RedirectResponse(shop.order_url(order), SEE_OTHER)

    async def authenticate(request: Request) -> Response:
        shop, order = _found(sandbox, request)
        for each in charges.waiting(shop, order):
            charges.authenticate(shop, each, succeed=True)
        return RedirectResponse(shop.order_url(order), SEE_OTHER)

    of_order = "/shops/{domain}/orders/{token}"
    return [
        Route("/shops/{domain}/checkout", buy, methods=["POST"]),
        Route(of_order, show),
        Route(f"{of_order}/pay", show_pay, methods=["GET"]),
        Route(f"{of_order}/pay", pay, methods=["POST"]),
        Route(f"{of_order}/authenticate", authenticate, methods=["POST"]),
    ]


def _place(shop: Shop, filled_in: dict[str, str]) -> Order:
    variant_id, plan_id = filled_in.get("variant_id", ""), filled_in.get("plan_id")
    variant = shop.variants.get(int(variant_id)) if variant_id.isdigit() else None
    plan = shop.plan(int(plan_id)) if plan_id and plan_id.isdigit() else None
    quantity, card = filled_in.get("quantity", "1"), filled_in.get("card", cards.WORKS)
    is_shown = variant is not None and variant.product.is_open(shop.clock())
    if variant is None or not is_shown or (plan_id and plan is None) or not cards.is_card(card):
        raise checkout.CheckoutError(
            "Go back, and choose a variant, plan and card that the page offers."
        )
    if not quantity.isdigit() or int(quantity) < 1:
        raise checkout.CheckoutError("The quantity must be at least 1.")
    buyer = checkout.Buyer(
        email=filled_in.get("email"),
        name=filled_in.get("name"),
        country=filled_in.get("country"),
    )
    line = checkout.CartLine(
        variant=variant, quantity=int(quantity), plan=plan, properties=_properties(filled_in)
    )
    return checkout.place(shop, [line], buyer, card=card)


def _properties(filled_in: dict[str, str]) -> dict[str, str]:
    """Return the line-item properties that were filled in.

    As at Shopify, the form's fields for them are named properties[…].
    """
    return {
        name.removeprefix("properties[").removesuffix("]"): text
        for name, text in filled_in.items()
        if name.startswith("properties[") and name.endswith("]")
    }


def _found(sandbox: Sandbox, request: Request) -> tuple[Shop, Order]:
    shop = shop_of(sandbox, request)
    for each in shop.orders.values():
        if each.token == request.path_params["token"]:
            return shop, each
    raise HTTPException(404, "There is no such order.")


def _order_page(shop: Shop, order: Order, *, paying: bool) -> Response:
    schedule = order.open_schedule
    context: dict[str, Any] = {
        "order": order,
        "paying": paying,
        "due_at": schedule.due_at if schedule else None,
        "waiting": charges.waiting(shop, order),
    }
    return page("order.html", shop, currency=order.currency, **context)
