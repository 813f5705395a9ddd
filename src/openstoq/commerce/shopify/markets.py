"""Read a shop's markets: the groups of countries to which it sells."""

from collections.abc import MutableMapping

from openstoq.commerce.orders import Market
from openstoq.commerce.shopify.answers import reading
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.fields import Fields
from openstoq.commerce.shopify.pages import next_cursor
from openstoq.kernel.alone import alone
from openstoq.kernel.ids import gid

_MARKETS = 50
_REGIONS = 250


async def markets(client: Client, unreadable: MutableMapping[int, str]) -> list[Market]:
    """Read all markets and their countries; add a market that cannot be read to `unreadable`."""
    found: list[Market] = []
    after: str | None = None
    while True:
        answer = await client.execute("MarketsPage", first=_MARKETS, after=after, regions=_REGIONS)
        with reading("MarketsPage"):
            # A market whose id cannot be read would look deleted, so then the whole call fails.
            page = answer.whole().inside("markets")
            nodes = page.each("nodes")
            ids = [node.id("id") for node in nodes]
            after = next_cursor(page)
        for number, node in zip(ids, nodes, strict=True):
            with alone("market", number, unreadable):
                found.append(await _market(client, node))
        if after is None:
            return found


async def _market(client: Client, node: Fields) -> Market:
    with reading("MarketsPage"):
        number = node.id("id")
        regions = _regions(node)
        countries = _countries(regions)
        after = next_cursor(regions)
    while after is not None:
        answer = await client.execute(
            "MarketRegionsPage", id=gid("Market", number), first=_REGIONS, after=after
        )
        with reading("MarketRegionsPage"):
            regions = _regions(answer.whole().inside("market"))
            countries += _countries(regions)
            after = next_cursor(regions)
    return Market(
        id=number,
        name=node.text("name"),
        active=node.text("status") == "ACTIVE",
        countries=tuple(countries),
    )


def _regions(market: Fields) -> Fields:
    return market.inside("conditions").inside("regionsCondition").inside("regions")


def _countries(regions: Fields) -> list[str]:
    # A region without a code is a part of a country.
    return [node.text("code") for node in regions.each("nodes") if node.has("code")]
