"""The control API of markets: which countries a shop sells to."""

import re
from typing import Any

from starlette.requests import Request

from shopify_sandbox import merchant
from shopify_sandbox.body import Body, BodyError
from shopify_sandbox.control.order_views import market_view
from shopify_sandbox.control.views import MissingError
from shopify_sandbox.records.markets import Market
from shopify_sandbox.shops import OpenShop

_CODE = re.compile(r"^[A-Z]{2}$")


async def list_markets(opened: OpenShop, _: Body, __: Request) -> dict[str, Any]:
    """List all markets."""
    return {"markets": [market_view(each) for each in opened.shop.markets.values()]}


async def create_market(opened: OpenShop, body: Body, _: Request) -> dict[str, Any]:
    """Open a market."""
    name, countries = body.required("name"), _countries(body)
    body.finish()
    return market_view(merchant.add_market(opened.shop, name=name, countries=countries))


async def update_market(opened: OpenShop, body: Body, request: Request) -> dict[str, Any]:
    """Change the facts of a market that are given."""
    shop, market = opened.shop, _market(opened, request)
    facts: dict[str, Any] = {"name": body.required("name")} if "name" in body else {}
    if "enabled" in body:
        facts["enabled"] = body.flag("enabled", default=True)
    if "countries" in body:
        facts["regions"] = merchant.regions(market, _countries(body))
    body.finish()
    merchant.change_market(shop, market, **facts)
    return market_view(market)


async def delete_market(opened: OpenShop, _: Body, request: Request) -> dict[str, Any]:
    """Close a market for good."""
    market = _market(opened, request)
    merchant.delete_market(opened.shop, market)
    return {"deleted": market.id}


def _market(opened: OpenShop, request: Request) -> Market:
    found = opened.shop.markets.get(request.path_params["id"])
    if found is None:
        raise MissingError(f"There is no market {request.path_params['id']} in this shop.")
    return found


def _countries(body: Body) -> tuple[str, ...]:
    codes = body.texts("countries")
    if not all(_CODE.match(each) for each in codes):
        raise BodyError(["countries must be a list of codes such as DE."])
    return codes


OPERATIONS = (
    ("GET", "markets", list_markets),
    ("POST", "markets", create_market),
    ("PATCH", "markets/{id:int}", update_market),
    ("DELETE", "markets/{id:int}", delete_market),
)
