"""The control API's endpoints for markets, which are the countries that a shop sells to."""

import re
from typing import Annotated, Any

from starlette.requests import Request

from shopify_sandbox import merchant
from shopify_sandbox.bodies import Body, NoBody, Text, checked
from shopify_sandbox.control.errors import MissingError
from shopify_sandbox.control.order_views import market_view
from shopify_sandbox.records.markets import Market
from shopify_sandbox.shops import OpenShop

_CODE = re.compile(r"^[A-Z]{2}$")

Country = Annotated[str, checked(lambda text: bool(_CODE.match(text)), "must be a code such as DE")]


async def list_markets(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """List all markets."""
    return {"markets": [market_view(each) for each in opened.shop.markets.values()]}


class NewMarket(Body):
    """A market to open."""

    name: Text
    countries: tuple[Country, ...] = ()


class MarketChange(Body):
    """The facts of a market to change."""

    name: Text = ""
    enabled: bool = True
    countries: tuple[Country, ...] = ()


async def create_market(opened: OpenShop, body: NewMarket, _: Request) -> dict[str, Any]:
    """Open a market."""
    made = merchant.add_market(opened.shop, name=body.name, countries=body.countries)
    return market_view(made)


async def update_market(opened: OpenShop, body: MarketChange, request: Request) -> dict[str, Any]:
    """Change the given facts of a market."""
    shop, market = opened.shop, _market(opened, request)
    facts = body.model_dump(exclude_unset=True)
    if "countries" in facts:
        facts["regions"] = merchant.regions(market, facts.pop("countries"))
    merchant.change_market(shop, market, **facts)
    return market_view(market)


async def delete_market(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Delete a market."""
    market = _market(opened, request)
    merchant.delete_market(opened.shop, market)
    return {"deleted": market.id}


def _market(opened: OpenShop, request: Request) -> Market:
    found = opened.shop.markets.get(request.path_params["id"])
    if found is None:
        raise MissingError(f"There is no market {request.path_params['id']} in this shop.")
    return found


OPERATIONS = (
    ("GET", "markets", list_markets),
    ("POST", "markets", create_market),
    ("PATCH", "markets/{id:int}", update_market),
    ("DELETE", "markets/{id:int}", delete_market),
)
