"""Preorders as a story: an offer, three orders, a declined card, balances and shipments."""

import json
import re
from decimal import Decimal
from typing import Any

from openstoq.commands.scripts.orders import ORDERS, OrderStory, Preorder
from openstoq.commands.scripts.story import Differs, found, same

OFFERS = "/preorders/offers"
DEPOSIT_PERCENT, UNITS, ARRIVING = 20, 3, 10
HOLD_NOTE, OVER_LIMIT = "Waits for the next delivery", "preorder-over-limit"
SEE_OTHER = 303


class Preorders(OrderStory):
    """Three orders of an offer: one is paid by card, one by link, and one exceeds the limit."""

    title = "preorder: a deposit now, the balance when stock lands, then the parcel"

    async def tell(self) -> None:
        """Play the story from start to end."""
        variant = await self.sold_out_variant()
        offer = await self._offer(variant)
        plan_id = await self._in_shop(offer, variant)
        ana = await self._buy(variant, plan_id, "ana", card="works")
        await self._held(ana)
        ben = await self._buy(variant, plan_id, "ben", card="declines")
        await self._held(ben)
        await self._warned(variant, plan_id, quantity=2)
        chiara = await self._buy(variant, plan_id, "chiara", card="works", quantity=2)
        await self._too_many(chiara)
        await self._cancelled(chiara)
        await self._not_yet(ana)
        await self.restock(variant, ARRIVING)
        self.say(f"{ARRIVING} arrive at the warehouse", variant["page"])
        await self._charged(ana)
        await self._paid_by_link(ben)
        await self._sent([ana, ben])
        await self.agree([ana, ben, chiara])

    async def _offer(self, variant: dict[str, Any]) -> str:
        made = await self.write(OFFERS, name=f"Preorder of {variant['id']}")
        offer = f"{OFFERS}/{made['id']}"
        await self.write(f"{offer}/payments/set_mode", mode="full_and_partial")
        await self.write(f"{offer}/payments/set_deposit_percent", percent=DEPOSIT_PERCENT)
        await self.write(
            offer,
            method="PATCH",
            shipping={"fulfillment": {"hold_reason_note": HOLD_NOTE}},
            limits={"total": {"max": UNITS}, "on_exceed": "hold"},
        )
        await self.write(f"{offer}/products/add_variants", variant_ids=[variant["id"]])
        await self.write(f"{offer}/enable")
        self.say(
            f"an offer for it: {DEPOSIT_PERCENT} % now, the rest later, {UNITS} units at most",
            f"GET {self.v2}{offer}",
        )
        return offer

    async def _in_shop(self, offer: str, variant: dict[str, Any]) -> int:
        """Wait until the shop sells the offer; return the id of the selling plan with the deposit."""

        async def sync() -> object:
            state = (await self.read(offer))["sync"]
            return state["state"], state["error"]

        await self.becomes("the offer's sync", ("synced", None), sync)
        told: dict[str, Any] = {}

        async def follows() -> object:
            told.update(await self.control("GET", f"variants/{variant['id']}/preorder"))
            return told["inventory_policy"], len(told["metafields"]) > 0

        await self.becomes("the variant in the shop", ("CONTINUE", True), follows)
        metafields = {one["key"]: one["value"] for one in told["metafields"]}
        offer_id = offer.rpartition("/")[2]
        same("the variant's offers", json.loads(metafields["selling_plan_ids"]), [offer_id])
        (group,) = told["selling_plan_groups"]
        shares = {
            plan["billing_policy"]["checkout_charge"]["value"]["percentage"]: plan["id"]
            for plan in group["plans"]
        }
        same("what is paid at checkout, in percent", sorted(shares), [DEPOSIT_PERCENT, 100])
        self.say(
            f"the shop follows: {len(shares)} selling plans, {len(metafields)} metafields, "
            "and sells what is not there yet",
            variant["page"],
        )
        return int(shares[DEPOSIT_PERCENT])

    async def _buy(
        self, variant: dict[str, Any], plan_id: int, shopper: str, *, card: str, quantity: int = 1
    ) -> Preorder:
        email = f"{shopper}@example.com"
        answer = await self.http.post(
            f"{self.shop}/checkout",
            data={
                "variant_id": str(variant["id"]),
                "plan_id": str(plan_id),
                "quantity": str(quantity),
                "email": email,
                "name": f"{shopper.title()} Shopper",
                "country": "US",
                "card": card,
            },
        )
        if answer.status_code != SEE_OTHER:
            raise Differs(
                f"the shop's checkout answered {answer.status_code}: {answer.text[-300:]}"
            )
        page = answer.headers["Location"]
        listed = (await self.control("GET", "orders"))["orders"]
        (bought,) = (one for one in listed if one["status_url"] == page)
        price = Decimal(str(variant["price"])) * quantity
        same("the order's total", Decimal(bought["total"]), price)
        deposit = (price * DEPOSIT_PERCENT / 100).quantize(Decimal("0.01"))
        same("the deposit", Decimal(bought["received"]), deposit)
        order = Preorder(bought["id"], bought["name"], email, page)
        self.say(
            f"{order.shopper} preorders {quantity}, {order.name}: {bought['received']} of "
            f"{bought['total']} {bought['currency']} paid",
            page,
        )
        return order

    async def _held(self, order: Preorder) -> None:
        await self.arrives(order, "awaiting_balance")
        shown = await self.in_shopify(order)
        same(f"the tags of {order.name}", shown["tags"], ["Preorder"])
        await self.is_held(order, HOLD_NOTE)
        self.say(
            f'its webhook came: awaiting_balance, held ("{HOLD_NOTE}") and tagged Preorder',
            f"GET {self.v2}{order.path}",
        )

    async def _warned(self, variant: dict[str, Any], plan_id: int, *, quantity: int) -> None:
        line = {"variant_id": variant["id"], "selling_plan_id": plan_id, "quantity": quantity}
        answer = await self.http.post(
            f"{self.stage.api}/api/storefront/preorders/check",
            params={"shop": self.stage.shop_domain},
            json={"lines": [line], "country": "US"},
        )
        (problem,) = found(answer)["problems"]
        same("what a storefront is told", problem["code"], "sold_out")
        self.say(
            f"a storefront that asks for {quantity} more is told: {problem['message']}",
            f"POST {answer.request.url}",
        )

    async def _too_many(self, order: Preorder) -> None:
        await self.arrives(order, "awaiting_balance")
        same(
            f"what {order.name} exceeded",
            (await self.read(order.path))["exceeded"],
            [f"the offer sells at most {UNITS} units"],
        )
        tags = (await self.in_shopify(order))["tags"]
        same(f"the tags of {order.name}", sorted(tags), ["Preorder", OVER_LIMIT])
        await self.is_held(order, HOLD_NOTE)
        self.say(f"only one was left: held and tagged {OVER_LIMIT}", f"GET {self.v2}{order.path}")

    async def _cancelled(self, order: Preorder) -> None:
        await self.write(
            f"{order.path}/cancel",
            refund_deposit=True,
            notify_customer=True,
            cancel_shopify_order=True,
            reason="inventory",
        )

        async def in_shopify() -> object:
            shown = await self.in_shopify(order)
            return shown["cancelled_at"] is not None, shown["received"] == shown["refunded"]

        await self.becomes(f"{order.name} is cancelled and paid back", (True, True), in_shopify)
        await self.reaches(order, "cancelled")
        mail = await self.mail_to(order.email)
        refunded = (await self.in_shopify(order))["refunded"]
        same("the cancellation mail names the amount", refunded in mail["text"], True)
        self.say(f"cancelled, {refunded} paid back; a mail says so: {mail['subject']}", mail["url"])

    async def _not_yet(self, order: Preorder) -> None:
        answer = await self.ask("POST", f"{order.path}/release")
        (refusal,) = found(answer, 409)["errors"]
        self.say(f"a release is refused: {refusal}", f"POST {answer.request.url}")

    async def _charged(self, order: Preorder) -> None:
        await self.write(f"{order.path}/payments/charge_balance", mode="auto")
        await self.reaches(order, "balance_collected")
        charge = await self.last_charge(order)
        same(f"the charge of {order.name}", charge["status"], "SUCCESS")
        mail = await self.mail_to(order.email)
        self.say(
            f"{order.shopper}'s card is charged {charge['amount']}: balance_collected, and a "
            f"receipt: {mail['subject']}",
            mail["url"],
        )

    async def _paid_by_link(self, order: Preorder) -> None:
        await self.write(f"{order.path}/payments/charge_balance", mode="auto")

        async def declined() -> object:
            balance = (await self.read(f"{order.path}/payments"))["balance"]
            return balance["status"], balance["error"] is not None

        await self.becomes(f"the balance of {order.name}", ("outstanding", True), declined)
        same(f"the charge of {order.name}", (await self.last_charge(order))["status"], "ERROR")
        same(f"the state of {order.name}", await self.state(order), "awaiting_balance")
        self.say(
            f"{order.shopper}'s card is declined, and is tried again on the due day",
            f"GET {self.v2}{order.path}/payments",
        )
        # Before the due day a declined card asks nothing of the shopper, unless the merchant does.
        await self.write(f"{order.path}/payments/send_collection_url")
        mail = await self.mail_to(order.email)
        self.say(f"the merchant sends a link instead: {mail['subject']}", mail["url"])
        link = (await self.in_shopify(order))["collection_url"]
        if link not in mail["text"] or link not in mail["html"]:
            raise Differs(f"the mail does not have the link to pay by, {link}")
        page = await self.http.get(link)
        form = re.search(r'<form method="post" action="([^"]+/pay)"', page.text)
        if form is None:
            raise Differs(f"there is nothing to pay by at {link}")
        same("the answer to paying", (await self.http.post(form[1])).status_code, SEE_OTHER)
        await self.reaches(order, "balance_collected")
        receipt = await self.mail_to(order.email)
        self.say(
            f"{order.shopper} pays by the link: balance_collected, and a receipt: "
            f"{receipt['subject']}",
            link,
        )

    async def _sent(self, orders: list[Preorder]) -> None:
        job = await self.write(f"{ORDERS}/bulk_release", order_ids=[one.id for one in orders])

        async def ended() -> object:
            told = await self.read(f"{ORDERS}/jobs/{job['job_id']}")
            return told["status"], told["failed"]

        await self.becomes("the bulk job", ("completed", []), ended)
        for order in orders:
            await self.reaches(order, "released")
            await self.synced(order)
        self.say("both are released by one job", f"GET {self.stage.api}{job['status_url']}")
        for order in orders:
            await self.control("POST", f"orders/{order.id}/fulfill")
            await self.reaches(order, "fulfilled")
        self.say("both are sent: fulfilled", orders[0].page)
