"""Markets: the markets of the shop that an offer applies to."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, computed_field

from openstoq.actions.capability import Capability
from openstoq.actions.validation import Path
from openstoq.kernel.ids import MarketId
from openstoq.kernel.patch import Settings


def _once(ids: list[int]) -> list[int]:
    return list(dict.fromkeys(ids))


MarketIds = Annotated[list[MarketId], Field(max_length=250), AfterValidator(_once)]


class Markets(Settings):
    """The markets that the offer applies to; all markets if scoping is off or none is listed."""

    enabled: bool = False
    market_ids: MarketIds = []

    @computed_field(  # type: ignore[prop-decorator] # mypy knows no decorated property
        description="Whether no market is left out."
    )
    @property
    def applies_to_all_markets(self) -> bool:
        """Return whether the offer applies to every market."""
        return not (self.enabled and self.market_ids)


capability = Capability(
    Markets,
    name="markets",
    about="the market scoping of a preorder offer",
    note="The offer applies to all markets while scoping is off, or on with an empty list; "
    "applies_to_all_markets: true clears the list. market_ids are GIDs or numbers and are "
    "replaced as a whole.",
    aliases=("markets", "market scoping"),
    patch_only={"applies_to_all_markets": bool},
)


@capability.rule
def all_markets_or_some(markets: Markets, changes: Mapping[str, Any]) -> list[tuple[Path, str]]:
    """Refuse a value of applies_to_all_markets that contradicts the other fields."""
    flag = changes.get("applies_to_all_markets")
    ids = changes.get("market_ids", markets.market_ids)
    is_scoped = bool(changes.get("enabled", markets.enabled) and ids)
    at: Path = ("applies_to_all_markets",)
    if flag is False and not is_scoped:
        return [(at, "cannot be false without market_ids and enabled: true")]
    if flag is True and is_scoped and "market_ids" in changes:
        return [(at, "cannot be true with market_ids while enabled; leave one of them out")]
    return []


@capability.translate
def all_markets_is_an_empty_list(changes: dict[str, Any]) -> None:
    """Clear the list of markets when applies_to_all_markets: true is sent without a list."""
    if changes.pop("applies_to_all_markets", None):
        changes.setdefault("market_ids", [])


@capability.edit("sell in a market")
def add_market(markets: Markets, *, market_id: MarketId) -> None:
    """Add a market to the preorder offer's scope.

    Scoping is turned on.
    """
    markets.market_ids = [*markets.market_ids, market_id]
    markets.enabled = True


@capability.edit("leave a market")
def remove_market(markets: Markets, *, market_id: MarketId) -> None:
    """Remove a market from the preorder offer's scope.

    Removing a market that is not in the scope is not an error. Once the last market is removed,
    the offer applies to all markets.
    """
    markets.market_ids = [kept for kept in markets.market_ids if kept != market_id]


@capability.edit("replace markets")
def set_markets(markets: Markets, *, market_ids: MarketIds) -> None:
    """Replace the set of markets a preorder offer applies to.

    Scoping is turned on; an empty list means all markets.
    """
    markets.market_ids = market_ids
    markets.enabled = True
