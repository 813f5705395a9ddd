"""Stories with orders: read an order from v2 and from the shop, and check that they agree."""

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from openstoq.commands.scripts.story import Differs, Story, found, same

ORDERS = "/preorders/orders"
MONEY = ("received", "refunded", "outstanding")
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Preorder:
    """A shopper's order; `id` is its id in Shopify."""

    id: int
    name: str
    email: str
    page: str

    @property
    def path(self) -> str:
        """The order's path in API v2."""
        return f"{ORDERS}/{self.id}"

    @property
    def shopper(self) -> str:
        """The shopper's first name, from the e-mail address."""
        return self.email.split("@")[0].title()


class OrderStory(Story):
    """A story with orders, which it reads both from the shop and from v2."""

    async def agree(self, orders: list[Preorder]) -> None:
        """Check that v2, its ledger and Shopify agree to the cent, and that nothing is unpaid."""
        came = went = Decimal(0)
        for order in orders:
            shown = await self.in_shopify(order)
            paid, back = Decimal(shown["received"]), Decimal(shown["refunded"])
            same(f"what is still to be paid of {order.name}", Decimal(shown["outstanding"]), 0)
            expected = {name: shown[name] for name in MONEY} | {"came": paid, "went back": back}
            await self.becomes(f"the money of {order.name}", expected, partial(self.money, order))
            came, went = came + paid, went + back
        self.say(
            f"ledger and Shopify agree to the cent: {came} came, {went} went back",
            f"GET {self.v2}{orders[0].path}/payments",
        )

    async def money(self, order: Preorder) -> dict[str, Any]:
        """Return an order's totals in v2, and the sums of the ledger's charges and refunds."""
        totals = (await self.read(order.path))["totals"]
        ledger = (await self.read(f"{order.path}/payments"))["ledger"]
        done = [one for one in ledger if one["status"] == "succeeded"]
        return {name: totals[name] for name in MONEY} | {
            "came": sum(Decimal(one["amount"]) for one in done if one["kind"] != "refund"),
            "went back": sum(Decimal(one["amount"]) for one in done if one["kind"] == "refund"),
        }

    async def in_shopify(self, order: Preorder) -> dict[str, Any]:
        """Return an order as the sandbox shop's control API shows it."""
        shown: dict[str, Any] = await self.control("GET", f"orders/{order.id}")
        return shown

    async def last_charge(self, order: Preorder) -> dict[str, Any]:
        """Return the last charge to the card of an order; raise Differs if there is none."""
        charges = (await self.control("GET", "charges"))["charges"]
        of_order: list[dict[str, Any]] = [one for one in charges if one["order_id"] == order.id]
        if not of_order:
            raise Differs(f"the card of {order.name} was never charged")
        return of_order[-1]

    async def is_held(self, order: Preorder, note: str) -> None:
        """Check that the whole order is held by us alone, with the given note; else raise Differs."""
        told = await self.control("GET", f"orders/{order.id}/fulfillment")
        holds = [
            (one["status"], [(hold["by"], hold["note"]) for hold in one["holds"]])
            for one in told["fulfillment_orders"]
        ]
        same(f"the holds of {order.name}", holds, [("ON_HOLD", [("app", note)])])

    async def arrives(self, order: Preorder, state: str) -> None:
        """Wait until an order's webhook is delivered, v2 reports `state`, and the order is synced."""

        async def has_arrived() -> bool | None:
            told = await self.control("GET", "deliveries?topic=orders/create&state=delivered")
            ids = [json.loads(one["body"])["id"] for one in told["deliveries"]]
            return order.id in ids or None

        await self.until(f"the webhook of {order.name}", has_arrived)
        await self.reaches(order, state)
        await self.synced(order)

    async def reaches(self, order: Preorder, state: str) -> None:
        """Wait until an order has the given state in v2."""
        await self.becomes(f"the state of {order.name}", state, lambda: self.state(order))

    async def synced(self, order: Preorder) -> None:
        """Wait until the shop has all of v2's changes to an order."""

        async def sync() -> object:
            return (await self.read(order.path))["sync"]

        await self.becomes(f"the sync of {order.name}", {"state": "synced", "error": None}, sync)

    async def state(self, order: Preorder) -> object:
        """Return an order's state in v2, or "unknown" until v2 has read the order from the shop."""
        answer = await self.ask("GET", order.path)
        return "unknown" if answer.status_code == NOT_FOUND else found(answer)["state"]
