"""The main job as a story: sign-ups for a sold-out variant, a restock, the mails, a resend."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Protocol

import httpx
from rich.console import Console

SHOPPERS = ("ana@example.com", "ben@example.com", "chiara@example.com")
OPERATOR_ADDS = "dana@example.com"
WAIT_SECONDS = 30.0


class Stage(Protocol):
    """Where the demo runs."""

    api: str
    sandbox: str
    mail: str
    shop_domain: str
    api_key: str
    admin_token: str


class Differs(Exception):  # noqa: N818 - the story went another way than it should
    """Something is not as it should be."""


async def play(stage: Stage) -> int:
    """Play the story, print its timeline and return the exit code."""
    console = Console(highlight=False)
    async with httpx.AsyncClient(timeout=10) as http:
        try:
            await _Story(stage, http, console).tell()
        except (Differs, httpx.HTTPError, TimeoutError) as error:
            console.print(f"[bold red]differs[/]  {str(error) or 'waited too long'}")
            return 1
    console.print(
        "\nAll as it should be. To look around yourself: [bold].venv/bin/openstoq demo[/]"
    )
    return 0


class _Story:
    def __init__(self, stage: Stage, http: httpx.AsyncClient, console: Console) -> None:
        self.stage, self.http, self.console = stage, http, console
        self.began = monotonic()
        self.shop = f"{stage.sandbox}/shops/{stage.shop_domain}"
        self.v2 = f"{stage.api}/api/v2/external"

    async def tell(self) -> None:
        variant = await self._sold_out_variant()
        signup_id = await self._sign_up(variant)
        await self._restock(variant)
        await self._mails()
        await self._resend(signup_id)
        await self._unsubscribe()

    async def _sold_out_variant(self) -> dict[str, Any]:
        answer = await self.http.get(f"{self.shop}/control/products", headers=self._control)
        for product in _found(answer)["products"]:
            for variant in product["variants"]:
                if variant["inventory_quantity"] <= 0:
                    page = f"{self.shop}/products/{product['handle']}?variant={variant['id']}"
                    self._say(f"{product['title']} / {variant['title']} is sold out", page)
                    return {**variant, "product_id": product["id"]}
        raise Differs("the sandbox shop has nothing that is sold out")

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
            _expect(answer, 201)
        self._say("three shoppers sign up", f"POST {self.stage.api}/api/v1/intents.json")
        answer = await self.http.post(
            f"{self.v2}/back_in_stock/signups",
            headers=self._key,
            json={
                "channel": "email",
                "shopify_variant_id": variant["id"],
                "email": OPERATOR_ADDS,
                "name": "Dana",
            },
        )
        _expect(answer, 202)
        self._say("the merchant adds a fourth", f"POST {self.v2}/back_in_stock/signups")
        waiting = await self.http.get(
            f"{self.v2}/back_in_stock/signups", headers=self._key, params={"status": "pending"}
        )
        _same("pending signups", _found(waiting)["meta"]["total_count"], 4)
        return str(answer.json()["id"])

    async def _restock(self, variant: dict[str, Any]) -> None:
        answer = await self.http.post(
            f"{self.shop}/control/stock",
            headers=self._control,
            json={"variant_id": variant["id"], "available": 12},
        )
        _found(answer)
        self._say("12 arrive; Shopify sends its webhook", f"POST {self.stage.api}/webhooks/shopify")

    async def _mails(self) -> None:
        restocked = monotonic()
        await self._until(lambda: self._caught(1))
        first = monotonic() - restocked
        messages = await self._until(lambda: self._caught(4))
        everyone = sorted([*SHOPPERS, OPERATOR_ADDS])
        _same("recipients", sorted(to for message in messages for to in message["to"]), everyone)
        self._say(f"the first mail is there after {first * 1000:.0f} ms", self.stage.mail)
        for message in messages:
            self._say(f"{message['to'][0]:<20} {message['subject']}")
        notified = await self._until(lambda: self._notified(4), pause=0.2)
        _same("notified signups", notified, 4)

    async def _resend(self, signup_id: str) -> None:
        url = f"{self.v2}/back_in_stock/signups/{signup_id}/notify"
        answer = await self.http.post(url, headers=self._key)
        _same("status of a resend", answer.status_code, 409)
        self._say(f"a resend is refused: {answer.json()['errors'][0]}", f"POST {url}")

    async def _unsubscribe(self) -> None:
        (message, *_) = await self._caught(4) or []
        link = re.search(r"<(http[^>]+)>", message["headers"]["List-Unsubscribe"])
        if link is None:
            raise Differs("the mail has no List-Unsubscribe link")
        body = {"List-Unsubscribe": "One-Click"}
        _same("status of one-click", (await self.http.post(link[1], data=body)).status_code, 200)
        self._say(f"{message['to'][0]} unsubscribes with one click", link[1])

    async def _caught(self, number: int) -> list[dict[str, Any]] | None:
        messages: list[dict[str, Any]] = (await self.http.get(f"{self.stage.mail}/messages")).json()
        return messages if len(messages) >= number else None

    async def _notified(self, number: int) -> int | None:
        answer = await self.http.get(
            f"{self.v2}/back_in_stock/signups", headers=self._key, params={"status": "notified"}
        )
        total: int = _found(answer)["meta"]["total_count"]
        return total if total >= number else None

    async def _until(self, look: Callable[[], Awaitable[Any]], *, pause: float = 0.02) -> Any:
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                seen = await look()
                if seen is not None:
                    return seen
                await asyncio.sleep(pause)

    @property
    def _key(self) -> dict[str, str]:
        return {"X-Auth-Token": self.stage.api_key}

    @property
    def _control(self) -> dict[str, str]:
        return {"X-Sandbox-Token": self.stage.admin_token}

    def _say(self, what: str, where: str = "") -> None:
        elapsed = f"{monotonic() - self.began:6.2f} s"
        self.console.print(f"[dim]{elapsed}[/]  {what}", soft_wrap=True)
        if where:
            self.console.print(f"          [dim]{where}[/]", soft_wrap=True)


def _found(answer: httpx.Response) -> Any:
    _expect(answer, 200)
    return answer.json()


def _expect(answer: httpx.Response, status: int) -> None:
    if answer.status_code != status:
        raise Differs(f"{answer.request.url} answered {answer.status_code}: {answer.text[:300]}")


def _same(what: str, got: object, expected: object) -> None:
    if got != expected:
        raise Differs(f"{what}: {got} instead of {expected}")
