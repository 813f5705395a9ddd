"""Preorders bought in a running sandbox, and followed through a real worker."""

from decimal import Decimal
from email import message_from_bytes, policy
from typing import Any

import httpx
import pytest

from openstoq.db.pool import Database
from openstoq.jobs.job import Job
from openstoq.jobs.work import Runtime
from openstoq.messaging.port import Email, EmailTransport
from openstoq.preorders.orders.jobs import read_order
from openstoq.shops.model import Shop
from sandbox.site import Site
from tests.factories.relays import Relay
from tests.factories.sandboxed import Workplace, accepted, all_jobs_done, run

Told = dict[str, Any]

ADA = {"email": "ada@example.com", "name": "Ada Lovelace"}


class Market:
    """A sandbox shop's checkout, and what is told of its orders."""

    def __init__(
        self,
        site: Site,
        client: httpx.AsyncClient,
        runtime: Runtime,
        shop: Shop,
        database: Database,
        worker: Workplace,
    ) -> None:
        self.site, self.client, self.worker = site, client, worker
        self.runtime, self.shop, self.database = runtime, shop, database

    async def buy(self, *lines: tuple[int, int | None, int], **facts: Any) -> Told:
        """Buy lines of (variant, plan, quantity); nobody is told yet."""
        body = {
            "lines": [
                {"variant_id": variant, "plan_id": plan, "quantity": quantity}
                for variant, plan, quantity in lines
            ],
            "customer": ADA,
            **facts,
        }
        return await self.site.control("POST", "orders", body)

    async def place(self, *lines: tuple[int, int | None, int], **facts: Any) -> Told:
        """Buy lines, and have the order read as its webhook would."""
        order = await self.buy(*lines, **facts)
        await self.tell(order)
        return order

    async def tell(self, order: Told) -> None:
        """Have an order read, and everything done that follows."""
        await run(self.runtime, self.shop, read_order, order_id=order["id"])
        await all_jobs_done(self.database)

    async def run(self, job: Job[...], **arguments: Any) -> None:
        await run(self.runtime, self.shop, job, **arguments)
        await all_jobs_done(self.database)

    async def unheard(self, order: Told, what: str, **body: Any) -> None:
        """Have a merchant or a shopper do something to an order, of which nothing is told."""
        await self.site.control("POST", f"orders/{order['id']}/{what}", body)

    async def happen(self, order: Told, what: str, status: int = 200, **body: Any) -> Told:
        """Have a merchant or a shopper do something to an order, which is then told."""
        done = await self.site.control("POST", f"orders/{order['id']}/{what}", body, status=status)
        await self.tell(order)
        return done

    async def ask(self, order: Told, what: str, **body: Any) -> Told:
        """Ask for an action on an order, and wait until it is done."""
        answer = await accepted(self.client, f"{order_path(order)}/{what}", **body)
        await all_jobs_done(self.database)
        return answer

    async def refusal(self, order: Told, what: str, status: int = 409, **body: Any) -> str:
        """Ask for what is refused; return the sentence."""
        answer = await self.client.post(f"{order_path(order)}/{what}", json=body)
        assert answer.status_code == status, answer.text
        sentence: str = answer.json()["errors"][0]
        return sentence

    async def read(self, order: Told, part: str = "") -> Told:
        answer = await self.client.get(f"{order_path(order)}{part}")
        assert answer.status_code == 200, answer.text
        told: Told = answer.json()
        return told

    async def state(self, order: Told) -> str:
        state: str = (await self.read(order))["state"]
        return state

    async def in_shop(self, order: Told) -> Told:
        return await self.site.control("GET", f"orders/{order['id']}")

    async def parcels(self, order: Told) -> list[Told]:
        told = await self.site.control("GET", f"orders/{order['id']}/fulfillment")
        parcels: list[Told] = told["fulfillment_orders"]
        return parcels

    async def charges(self) -> list[Told]:
        charges: list[Told] = (await self.site.control("GET", "charges"))["charges"]
        return charges

    async def ledger(self, order: Told) -> list[tuple[str, str, str, str]]:
        """What the ledger says: kind, mode, amount and status of each entry."""
        told = await self.read(order, "/payments")
        return [(one["kind"], one["mode"], one["amount"], one["status"]) for one in told["ledger"]]

    @property
    def mails(self) -> list[str]:
        """Subjects of all mails so far."""
        return [subject_of(email) for email in self.relay.taken]

    @property
    def relay(self) -> Relay:
        transport = self.runtime.ports.get(EmailTransport)
        assert isinstance(transport, Relay)
        return transport


def order_path(order: Told) -> str:
    return f"/preorders/orders/{order['id']}"


def subject_of(email: Email) -> str:
    subject: str = message_from_bytes(email.content, policy=policy.default)["Subject"]
    return subject


@pytest.fixture
async def market(
    site: Site,
    client: httpx.AsyncClient,
    runtime: Runtime,
    shop: Shop,
    database: Database,
    worker: Workplace,
) -> Market:
    return Market(site, client, runtime, shop, database, worker)


@pytest.fixture
async def plans(client: httpx.AsyncClient, offer: str) -> dict[str, int]:
    read = (await client.get(offer)).json()["shopify"]
    return {"full": read["full_plan_id"], "partial": read["partial_plan_id"]}


async def payments(market: Market, order: Told) -> Told:
    """Read how the money of an order stands with us."""
    told: Told = (await market.read(order))["payments"]
    return told


async def assert_books_agree(market: Market, order: Told) -> None:
    """Our record of an order and the shop's are the same, to the cent."""
    told, shown = await market.read(order), await market.in_shop(order)
    for name in ("received", "refunded", "outstanding"):
        assert told["totals"][name] == shown[name], name
    ledger = (await market.read(order, "/payments"))["ledger"]
    done = [one for one in ledger if one["status"] == "succeeded"]
    came = sum(Decimal(one["amount"]) for one in done if one["kind"] != "refund")
    went = sum(Decimal(one["amount"]) for one in done if one["kind"] == "refund")
    assert (came, went) == (Decimal(shown["received"]), Decimal(shown["refunded"]))
