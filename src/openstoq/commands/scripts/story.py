"""The base of all stories: API requests, a timeline, and waits with a time limit."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, ClassVar

import httpx
from rich.console import Console
from rich.markup import escape

from openstoq.commands.scripts.stage import Demo

WAIT_SECONDS = 30.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.5


class Differs(Exception):  # noqa: N818 - the story went another way than it should
    """A value differs from what the story expects."""


class Story(ABC):
    """A script of API calls that is played in a demo, and checks every response.

    `tell` plays it, and raises Differs as soon as a value is not as expected.
    """

    title: ClassVar[str]

    def __init__(
        self,
        stage: Demo,
        http: httpx.AsyncClient,
        console: Console,
        *,
        patience: float = WAIT_SECONDS,
    ) -> None:
        self.stage, self.http, self.console, self.patience = stage, http, console, patience
        self.shop = f"{stage.sandbox}/shops/{stage.shop_domain}"
        self.v2 = f"{stage.api}/api/v2/external"
        self._began = monotonic()
        self._read_mails = 0

    @abstractmethod
    async def tell(self) -> None:
        """Play the story from start to end."""

    async def play(self) -> bool:
        """Play the story and print its timeline; return whether every value was as expected.

        The first value that differs ends the story, and is printed.
        """
        self.console.print(f"\n[bold]{self.title}[/]")
        try:
            self._read_mails = max((one["id"] for one in await self._mails()), default=0)
            await self.tell()
        except (Differs, httpx.HTTPError) as error:
            return self._differs(str(error) or repr(error))
        except (LookupError, ValueError) as error:
            return self._differs(f"a response lacks a value, or has too many of them: {error!r}")
        return True

    def say(self, what: str, where: str = "") -> None:
        """Print an event of the story with its time, and the address at which to look at it."""
        elapsed = f"{monotonic() - self._began:6.2f} s"
        self.console.print(f"[dim]{elapsed}[/]  {escape(what)}", soft_wrap=True)
        if where:
            self.console.print(f"          [dim]{escape(where)}[/]", soft_wrap=True)

    async def ask(self, method: str, path: str, **body: Any) -> httpx.Response:
        """Send a request to v2 with the shop's key, and return the response."""
        return await self.http.request(
            method,
            f"{self.v2}{path}",
            headers={"X-Auth-Token": self.stage.api_key},
            json=body or None,
        )

    async def read(self, path: str) -> Any:
        """Return the body of v2's response to a GET, whose status must be 200."""
        return found(await self.ask("GET", path))

    async def write(self, path: str, *, method: str = "POST", **body: Any) -> Any:
        """Send a write to v2 and return the body of the response, whose status must be 202."""
        return found(await self.ask(method, path, **body), 202)

    async def control(self, method: str, path: str, **body: Any) -> Any:
        """Call the sandbox shop's control API, as the merchant, and return the body of the response."""
        return found(
            await self.http.request(
                method,
                f"{self.shop}/control/{path}",
                headers={"X-Sandbox-Token": self.stage.admin_token},
                json=body or None,
            )
        )

    async def sold_out_variant(self) -> dict[str, Any]:
        """Print and return a sold-out variant, with its `product_id` and the URL of its `page`."""
        for product in (await self.control("GET", "products"))["products"]:
            for variant in product["variants"]:
                if variant["inventory_quantity"] <= 0 and variant["inventory_policy"] == "DENY":
                    page = f"{self.shop}/products/{product['handle']}?variant={variant['id']}"
                    title = f"{product['title']} / {variant['title']}"
                    self.say(f"{title} is sold out", page)
                    return {**variant, "product_id": product["id"], "page": page}
        raise Differs("the sandbox shop has nothing that is sold out")

    async def restock(self, variant: dict[str, Any], available: int) -> None:
        """Set a variant's stock in the sandbox shop, which sends a webhook about it."""
        await self.control("POST", "stock", variant_id=variant["id"], available=available)

    async def mails(self, number: int, to: str | None = None) -> list[dict[str, Any]]:
        """Wait for `number` new mails, to one address or to any, and return them."""

        async def caught() -> list[dict[str, Any]] | None:
            messages = await self._mails(to)
            return messages if len(messages) >= number else None

        messages: list[dict[str, Any]] = await self.until(
            f"mail {number} to {to or 'everybody'}", caught
        )
        return messages

    async def mail_to(self, address: str) -> dict[str, Any]:
        """Wait for the next mail to an address; return it with the `url` at which it is shown."""
        (message,) = await self.mails(1, address)
        self._read_mails = max(self._read_mails, message["id"])
        return {**message, "url": f"{self.stage.mail}/messages/{message['id']}/html"}

    async def until(self, what: str, look: Callable[[], Awaitable[Any]]) -> Any:
        """Poll until `look` returns something other than None, and return it.

        Raises Differs if `look` still returns None after `patience` seconds.
        """
        deadline, pause = monotonic() + self.patience, SHORTEST_PAUSE
        while (seen := await look()) is None:
            if monotonic() > deadline:
                raise Differs(f"{what} did not come within {self.patience:g} s")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        return seen

    async def becomes(
        self, what: str, expected: object, look: Callable[[], Awaitable[object]]
    ) -> None:
        """Poll until `look` returns the expected value; raise Differs after `patience` seconds."""
        seen: object = None

        async def is_so() -> bool | None:
            nonlocal seen
            seen = await look()
            return seen == expected or None

        try:
            await self.until(what, is_so)
        except Differs:
            raise Differs(
                f"{what}: {seen} instead of {expected}, after {self.patience:g} s"
            ) from None

    def _differs(self, why: str) -> bool:
        self.console.print(f"[bold red]differs[/]  {escape(why)}", soft_wrap=True)
        return False

    async def _mails(self, to: str | None = None) -> list[dict[str, Any]]:
        asked = {"after": str(self._read_mails)} | ({"to": to} if to else {})
        messages: list[dict[str, Any]] = found(
            await self.http.get(f"{self.stage.mail}/messages", params=asked)
        )
        return messages


def found(answer: httpx.Response, status: int = 200) -> Any:
    """Return the body of a response; raise Differs if it has another status."""
    if answer.status_code != status:
        raise Differs(f"{answer.request.url} answered {answer.status_code}: {answer.text[:300]}")
    return answer.json()


def same(what: str, got: object, expected: object) -> None:
    """Raise Differs if the two values are not equal."""
    if got != expected:
        raise Differs(f"{what}: {got} instead of {expected}")
