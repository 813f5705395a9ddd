"""A shop in memory with its webhooks written down, and orders of its variants."""

from datetime import UTC, datetime
from decimal import Decimal

from shopify_sandbox import fulfillment, seed
from shopify_sandbox.config import default_shops
from shopify_sandbox.money import Exchange
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.plans import SellingPlan, SellingPlanGroup
from shopify_sandbox.shop import Shop

NOW = datetime(2026, 3, 2, 9, 41, 27, tzinfo=UTC)
RELEASE = datetime(2100, 5, 1, 9, tzinfo=UTC)


class Storekeeper:
    """Who takes a shop's orders: of one that is given, or of one whose clock stands still."""

    def __init__(self, shop=None):
        self.now = NOW
        self.told = []
        self.shop = shop or self._shop()
        self.variants = list(self.shop.variants.values())
        self.told.clear()

    def _shop(self):
        made = Shop(
            default_shops()[0],
            number=1,
            url="http://shop.test",
            announce=lambda _shop, topic, _action, body: self.told.append((topic, body())),
            clock=lambda: self.now,
        )
        seed.fill(made)
        return made

    def plan(self, delivery=None):
        """Offer a plan that is delivered at a date, or at no date that is known."""
        made = SellingPlan(
            id=next(self.shop.ids),
            name="Preorder",
            options=["Preorder"],
            position=1,
            billing_policy={},
            delivery_policy={"fulfillment_exact_time": delivery},
            inventory_policy=None,
            pricing_policies=[],
            created_at=NOW,
        )
        group = SellingPlanGroup(
            id=next(self.shop.ids), name="P", merchant_code="p", options=["P"], created_at=NOW
        )
        group.plans[made.id] = made
        self.shop.plan_groups[group.id] = group
        return made.id

    def line(self, quantity=1, *, variant=0, plan=None):
        """Make a line of an order."""
        return LineItem(
            id=next(self.shop.ids),
            variant=self.variants[variant],
            quantity=quantity,
            current_quantity=quantity,
            unit_price=Decimal(20),
            exchange=Exchange.none("USD"),
            selling_plan_id=plan,
        )

    def order(self, *lines):
        """Place an order of these lines, and route it."""
        made = Order(
            id=next(self.shop.ids),
            number=1001 + len(self.shop.orders),
            token="token",
            exchange=Exchange.none("USD"),
            country="US",
            created_at=self.shop.moment(),
            processed_at=self.shop.moment(),
            updated_at=self.shop.moment(),
            lines=list(lines),
        )
        self.shop.orders[made.id] = made
        fulfillment.route(self.shop, made)
        return made

    def topics(self):
        """Return what was announced since this was last asked."""
        told, self.told = self.told, []
        return [topic for topic, _ in told]


def units(record):
    """Return what is left to send of each line, by the line."""
    return {each.line_item: each.remaining_quantity for each in record.lines}


def states(order):
    """Return the status of each fulfillment order with its units."""
    return [
        (each.status, [part.remaining_quantity for part in each.lines])
        for each in order.fulfillment_orders
    ]
