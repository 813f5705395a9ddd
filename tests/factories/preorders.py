"""Preorders bought in a running sandbox, and followed through a real worker."""

from decimal import Decimal
from email import message_from_bytes, policy

import pytest

from openstoq.messaging.port import EmailTransport
from openstoq.preorders.orders.jobs import read_order
from tests.factories.sandboxed import accepted, all_jobs_done, run

ADA = {"email": "ada@example.com", "name": "Ada Lovelace"}


class Market:
    """A sandbox shop's checkout, and what is told of its orders."""

    def __init__(self, site, client, runtime, shop, database, worker):
        self.site, self.client, self.worker = site, client, worker
        self.runtime, self.shop, self.database = runtime, shop, database

    async def buy(self, *lines, **facts):
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

    async def place(self, *lines, **facts):
        """Buy lines, and have the order read as its webhook would."""
        order = await self.buy(*lines, **facts)
        await self.tell(order)
        return order

    async def tell(self, order):
        """Have an order read, and everything done that follows."""
        await run(self.runtime, self.shop, read_order, order_id=order["id"])
        await all_jobs_done(self.database)

    async def run(self, job, **arguments):
        await run(self.runtime, self.shop, job, **arguments)
        await all_jobs_done(self.database)

    async def unheard(self, order, what, **body):
        """Have a merchant or a shopper do something to an order, of which nothing is told."""
        await self.site.control("POST", f"orders/{order['id']}/{what}", body)

    async def happen(self, order, what, status=200, **body):
        """Have a merchant or a shopper do something to an order, which is then told."""
        done = await self.site.control("POST", f"orders/{order['id']}/{what}", body, status=status)
        await self.tell(order)
        return done

    async def ask(self, order, what, **body):
        """Ask for an action on an order, and wait until it is done."""
        answer = await accepted(self.client, f"{order_path(order)}/{what}", **body)
        await all_jobs_done(self.database)
        return answer

    async def refusal(self, order, what, status=409, **body):
        """Ask for what is refused; return the sentence."""
        answer = await self.client.post(f"{order_path(order)}/{what}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()["errors"][0]

    async def read(self, order, part=""):
        answer = await self.client.get(f"{order_path(order)}{part}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def state(self, order):
        return (await self.read(order))["state"]

    async def in_shop(self, order):
        return await self.site.control("GET", f"orders/{order['id']}")

    async def parcels(self, order):
        told = await self.site.control("GET", f"orders/{order['id']}/fulfillment")
        return told["fulfillment_orders"]

    async def charges(self):
        return (await self.site.control("GET", "charges"))["charges"]

    async def ledger(self, order):
        """What the ledger says: kind, mode, amount and status of each entry."""
        told = await self.read(order, "/payments")
        return [(one["kind"], one["mode"], one["amount"], one["status"]) for one in told["ledger"]]

    @property
    def mails(self):
        """Subjects of all mails so far."""
        return [subject_of(email) for email in self.relay.taken]

    @property
    def relay(self):
        return self.runtime.ports.get(EmailTransport)


def order_path(order):
    return f"/preorders/orders/{order['id']}"


def subject_of(email):
    return message_from_bytes(email.content, policy=policy.default)["Subject"]


@pytest.fixture
async def market(site, client, runtime, shop, database, worker):
    return Market(site, client, runtime, shop, database, worker)


@pytest.fixture
async def plans(client, offer):
    read = (await client.get(offer)).json()["shopify"]
    return {"full": read["full_plan_id"], "partial": read["partial_plan_id"]}


async def payments(market, order):
    """Read how the money of an order stands with us."""
    return (await market.read(order))["payments"]


async def assert_books_agree(market, order):
    """Our record of an order and the shop's are the same, to the cent."""
    told, shown = await market.read(order), await market.in_shop(order)
    for name in ("received", "refunded", "outstanding"):
        assert told["totals"][name] == shown[name], name
    ledger = (await market.read(order, "/payments"))["ledger"]
    done = [one for one in ledger if one["status"] == "succeeded"]
    came = sum(Decimal(one["amount"]) for one in done if one["kind"] != "refund")
    went = sum(Decimal(one["amount"]) for one in done if one["kind"] == "refund")
    assert (came, went) == (Decimal(shown["received"]), Decimal(shown["refunded"]))
