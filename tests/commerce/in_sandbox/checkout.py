"""A sandbox shop's checkout as the port's tests use it, and what they do with its orders."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from openstoq.commerce.orders import RefundPart
from openstoq.commerce.plans import Plan, PlanGroup
from tests.factories.patience import PATIENCE

DUE = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
DEPOSIT = Plan(
    name="Deposit",
    option="Deposit",
    description=None,
    percent=Decimal(20),
    balance_at=DUE,
)


class Checkout:
    """Sells the shop's first variant, as a preorder with a deposit unless told otherwise."""

    def __init__(self, site, shop, domain):
        self.site, self.shop, self.domain = site, shop, domain
        self.plan_id = self.variant_id = None

    async def open(self):
        listed = await self.control("GET", "products")
        product = next(each for each in listed["products"] if each["status"].lower() == "active")
        self.variant_id = product["variants"][0]["id"]
        await self.shop.set_inventory_policies(product["id"], {self.variant_id: "continue"})
        group = PlanGroup(
            name="Preorder", merchant_code="o-1", option_name="Pay", plans={"deposit": DEPOSIT}
        )
        saved = await self.shop.save_plan_group(group, None)
        assert await self.shop.add_to_plan_group(saved.id, [self.variant_id]) == {}
        self.plan_id = saved.plan_ids["deposit"]
        return self

    async def control(self, method, path, body=None, **options):
        return await self.site.control(method, path, body, domain=self.domain, **options)

    def line(self, quantity=1, **more):
        return {
            "variant_id": self.variant_id,
            "plan_id": self.plan_id,
            "quantity": quantity,
        } | more

    async def buy(self, *lines, **more):
        asked = {
            "lines": list(lines) or [self.line()],
            "customer": {"email": "ada@example.com", "name": "Ada Lovelace", "locale": "fr"},
            "country": "CA",
        }
        return await self.control("POST", "orders", asked | more)


async def finished(shop, order_id, reference):
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await shop.payment_status(order_id, reference)
            if found.state != "processing":
                return found
            await asyncio.sleep(0.01)


async def balance(shop, order_id):
    """Return what it takes to charge an order's balance: the card and the schedule."""
    order = await shop.order(order_id)
    (mandate,), (schedule,) = order.mandates, order.schedules
    return mandate, schedule


async def charge(shop, order_id, key="k1"):
    mandate, schedule = await balance(shop, order_id)
    return await shop.charge_mandate(order_id, mandate.id, key=key, schedule_id=schedule.id)


async def refund(shop, order_id, amount, *, key="r1"):
    paid = (await shop.order(order_id)).transactions[0]
    part = RefundPart(transaction_id=paid.id, gateway=paid.gateway, amount=Decimal(amount))
    return await shop.refund(order_id, [part], key=key, note="Changed mind", notify=False)
