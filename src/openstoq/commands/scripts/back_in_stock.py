"""Back-in-stock as a story: sign-ups for a sold-out variant, a restock, the mails, a resend."""

import re
from time import monotonic
from typing import Any

from openstoq.commands.scripts.story import Differs, Story, found, same

SHOPPERS = ("ana@example.com", "ben@example.com", "chiara@example.com")
OPERATOR_ADDS = "dana@example.com"
SIGNUPS = "/back_in_stock/signups"


class BackInStock(Story):
    """Four shoppers wait for a variant; it is restocked, and each of them gets one mail."""

    title = "back-in-stock: four wait, the variant comes back, each gets one mail"

    async def tell(self) -> None:
        """Play the story from start to end."""
        variant = await self.sold_out_variant()
        signup_id = await self._sign_up(variant)
        await self.restock(variant, 12)
        self.say("12 arrive; Shopify sends its webhook", f"POST {self.stage.api}/webhooks/shopify")
        messages = await self._alerts()
        await self._resend(signup_id)
        await self._unsubscribe(messages[0])

    async def _sign_up(self, variant: dict[str, Any]) -> str:
        for shopper in SHOPPERS:
            answer = await self.http.post(
                f"{self.stage.api}/api/v1/intents.json",
                headers={"X-Shopify-Shop-Domain": self.stage.shop_domain},
                json={
                    "intent": {
                        "shopify_variant_id": variant["id"],
                        "shopify_product_id": variant["product_id"],
                        "channel": "email",
                        "quantity": 1,
                        "source": "api",
                    },
                    "customer": {"email": shopper, "name": shopper.split("@")[0].title()},
                },
            )
            found(answer, 201)
        self.say("three shoppers sign up", f"POST {self.stage.api}/api/v1/intents.json")
        added = await self.write(
            SIGNUPS,
            channel="email",
            shopify_variant_id=variant["id"],
            email=OPERATOR_ADDS,
            name="Dana",
        )
        self.say("the merchant adds a fourth", f"POST {self.v2}{SIGNUPS}")
        same("pending signups", await self._number("pending", variant), 4)
        return str(added["id"])

    async def _alerts(self) -> list[dict[str, Any]]:
        restocked = monotonic()
        await self.mails(1)
        first = monotonic() - restocked
        messages = await self.mails(4)
        everyone = sorted([*SHOPPERS, OPERATOR_ADDS])
        same("recipients", sorted(to for message in messages for to in message["to"]), everyone)
        self.say(f"the first mail is there after {first * 1000:.0f} ms", self.stage.mail)
        for message in messages:
            self.say(f"{message['to'][0]:<20} {message['subject']}")
        return messages

    async def _resend(self, signup_id: str) -> None:
        async def status() -> object:
            return (await self.read(f"{SIGNUPS}/{signup_id}"))["status"]

        await self.becomes("status of the signup", "notified", status)
        answer = await self.ask("POST", f"{SIGNUPS}/{signup_id}/notify")
        (refusal,) = found(answer, 409)["errors"]
        self.say(f"a resend is refused: {refusal}", f"POST {answer.request.url}")

    async def _unsubscribe(self, message: dict[str, Any]) -> None:
        link = re.search(r"<(http[^>]+)>", message["headers"]["List-Unsubscribe"])
        if link is None:
            raise Differs("the mail has no List-Unsubscribe link")
        body = {"List-Unsubscribe": "One-Click"}
        same("status of one-click", (await self.http.post(link[1], data=body)).status_code, 200)
        self.say(f"{message['to'][0]} unsubscribes with one click", link[1])

    async def _number(self, status: str, variant: dict[str, Any]) -> int:
        listed = await self.read(f"{SIGNUPS}?status={status}&variant_id={variant['id']}")
        number: int = listed["meta"]["total_count"]
        return number
