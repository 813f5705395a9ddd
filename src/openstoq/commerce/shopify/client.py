"""Send a GraphQL operation to a shop, waiting and retrying as the shop requires."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from openstoq.commerce.port import (
    AccessDenied,
    CommerceRefused,
    CommerceUnavailable,
    Refusal,
    ShopCredentials,
)
from openstoq.commerce.shopify import answers
from openstoq.commerce.shopify.answers import Answer, TooExpensive
from openstoq.commerce.shopify.documents import Document, document
from openstoq.commerce.shopify.throttle import Patience, Reach, Throttle, Weight
from openstoq.kernel.clock import utc_now
from openstoq.kernel.slots import waiting

API_VERSION = "2026-07"
SHOP_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
MOST_BYTES = 32 * 1024 * 1024
_FROZEN_FOR = 3600.0
# A shop that had less time than this to answer does not count as silent.
_FAIR_SECONDS = 5.0
_SECONDS = re.compile(r"\d{1,6}(\.\d+)?")


def http_client(timeout_seconds: float = 30.0) -> httpx.AsyncClient:
    """Create the connection pool that the clients of all shops share; the caller closes it."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(timeout_seconds, connect=5.0),
        limits=httpx.Limits(max_connections=400, max_keepalive_connections=40),
        headers={"User-Agent": "openstoq"},
        # Shopify sets cookies that mean nothing to an API client and would pile up by shop.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


def address(domain: str, api_url: str | None = None) -> str:
    """Return the address of a shop's Admin, without a trailing slash.

    `api_url` replaces the address that is derived from `domain`, and may use plain http. Raises
    ValueError if `domain` is not a myshopify domain, or `api_url` is not a valid address.
    """
    if not SHOP_DOMAIN.fullmatch(domain):
        raise ValueError(f"{domain!r} is not a shop's permanent domain, such as name.myshopify.com")
    if api_url is None:
        return f"https://{domain}"
    parts = urlsplit(api_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{api_url!r} is not an address that starts with http:// or https://")
    return api_url.rstrip("/")


class _Token(httpx.Auth):
    """Authentication that adds the token only when a request is sent.

    So no variable of ours contains the header.
    """

    def __init__(self, credentials: ShopCredentials) -> None:
        self._credentials = credentials

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override] # the base class promises a generator, of which only iteration is used
        request.headers["X-Shopify-Access-Token"] = self._credentials.access_token
        yield request


@dataclass(frozen=True, slots=True)
class _Again:
    """A failed request that may succeed if it is sent again.

    `after` is the number of seconds that the shop asks us to wait, if it says so. `is_silent` is
    true if the shop sent no response.
    """

    reason: str
    after: float | None = None
    is_silent: bool = False


class Client:
    """The Admin API of one shop."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        credentials: ShopCredentials,
        throttle: Throttle,
        patience: Patience,
        reach: Reach | None = None,
    ) -> None:
        where = address(credentials.domain, credentials.api_url)
        self.domain = credentials.domain
        self._url = f"{where}/admin/api/{API_VERSION}/graphql.json"
        self._http = http
        self._token = _Token(credentials)
        self._throttle = throttle
        self._patience = patience
        self._reach = reach or Reach()

    async def execute(self, name: str, *, once: bool = False, **variables: Any) -> Answer:
        """Send the operation `name` and return its response, which may contain errors beside data.

        Retries transient failures: throttling, 429, 5xx, timeouts, broken connections and broken
        responses. Mutations are retried too, so they must be safe to repeat. A mutation that is not
        safe to repeat, because it would create something twice, is sent `once`, and its caller
        checks the outcome. All attempts and waits together may last `Patience.total` seconds, and
        waiting occupies no slot of the worker. Raises TooExpensive if the request was for too many
        items, and another CommerceError if the operation failed.
        """
        asked = document(name)
        content = orjson.dumps({"query": asked.text, "operationName": name, "variables": variables})
        weight = (name, variables.get("first") or len(variables.get("ids", ())))
        attempts = 1 if once else self._patience.attempts
        outcome = await self._answer(asked, content, weight, attempts)
        if isinstance(outcome, Answer):
            return outcome
        if outcome.is_silent:
            self._reach.note_silence(self._patience.now(), self._patience.longest)
        raise CommerceUnavailable(
            f"{self.domain} did not answer {name} in {attempts} attempts: {outcome.reason}",
            retry_after=outcome.after or self._patience.longest,
        )

    async def _answer(
        self, asked: Document, content: bytes, weight: Weight, attempts: int
    ) -> Answer | _Again:
        """Try until there is a response; after the last of `attempts`, return the failure.

        If the time runs out earlier, return the failure if the shop sent no response. Otherwise
        raise CommerceUnavailable.
        """
        deadline = self._begin()
        outcome = await self._try(asked, content, weight, deadline)
        for attempt in range(attempts - 1):
            if isinstance(outcome, Answer):
                break
            pause = outcome.after or self._patience.backoff(attempt)
            if outcome.is_silent and self._patience.now() + pause > deadline:
                break
            await self._wait(pause, outcome.reason, deadline)
            outcome = await self._try(asked, content, weight, deadline)
        return outcome

    def _begin(self) -> float:
        """Return the operation's deadline; raise CommerceUnavailable for an unresponsive shop."""
        now = self._patience.now()
        seconds = self._reach.wait_for(now)
        if seconds > 0:
            raise CommerceUnavailable(
                f"{self.domain} did not answer lately; it is asked again in {seconds:.0f} seconds",
                retry_after=seconds,
            )
        self._reach.begin(now, self._patience.total)
        return now + self._patience.total

    async def _try(
        self, asked: Document, content: bytes, weight: Weight, deadline: float
    ) -> Answer | _Again:
        cost = await self._take_points(weight, deadline)
        try:
            sent = await self._send(content, deadline)
        finally:
            self._throttle.finish(cost)
        if isinstance(sent, _Again):
            return sent
        self._reach.note_answer()
        status, headers, body = sent
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return _Again(f"HTTP {status}", _retry_after(headers))
        try:
            answer = answers.read(asked.name, body)
        except ValueError as error:
            if status < httpx.codes.MULTIPLE_CHOICES:
                return _Again(f"the answer cannot be read: {error}")
            answer = None
        if answer is None or status >= httpx.codes.MULTIPLE_CHOICES:
            raise self._turned_away(status, answer)
        return self._judge(asked, answer, weight)

    async def _take_points(self, weight: Weight, deadline: float) -> float:
        cost = self._throttle.cost_of(weight)
        if cost > self._throttle.maximum:
            raise self._too_dear(weight, cost)
        while (seconds := self._throttle.wait_for(cost, self._patience.now())) > 0:
            await self._wait(seconds, "the shop's points are used up", deadline)
        self._throttle.take(cost)
        return cost

    def _too_dear(self, weight: Weight, cost: float) -> TooExpensive:
        name, size = weight
        return TooExpensive(
            f"{name} of {size} costs {cost:g} points, and {self.domain} grants "
            f"{self._throttle.maximum:g}"
        )

    async def _wait(self, seconds: float, reason: str, deadline: float) -> None:
        if seconds > self._patience.longest or self._patience.now() + seconds > deadline:
            raise CommerceUnavailable(
                f"{self.domain} asks to wait {seconds:.0f} seconds: {reason}", retry_after=seconds
            )
        with waiting():
            await self._patience.sleep(seconds)

    async def _send(
        self, content: bytes, deadline: float
    ) -> tuple[int, httpx.Headers, bytes] | _Again:
        most = min(self._patience.answer, deadline - self._patience.now())
        # Only the error's type is kept: the error contains the request, which contains the token.
        try:
            with waiting():
                async with asyncio.timeout(most):
                    return await self._exchange(content)
        except (httpx.RequestError, TimeoutError) as error:
            # When our own connections or our own time are used up, the shop is not to blame.
            had_time = most >= min(_FAIR_SECONDS, self._patience.answer)
            is_silent = had_time and not isinstance(error, httpx.PoolTimeout)
            return _Again(f"the connection failed ({type(error).__name__})", is_silent=is_silent)

    async def _exchange(self, content: bytes) -> tuple[int, httpx.Headers, bytes]:
        async with self._http.stream(
            "POST",
            self._url,
            content=content,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            auth=self._token,
        ) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise TooExpensive(f"{self.domain} answers more than {MOST_BYTES} bytes")
            return response.status_code, response.headers, bytes(body)

    def _judge(self, asked: Document, answer: Answer, weight: Weight) -> Answer | _Again:
        self._throttle.learn(weight, answer.cost, self._patience.now())
        codes = {error.code for error in answer.errors}
        if answers.THROTTLED in codes:
            requested = answer.cost.requested or 0.0
            if requested > self._throttle.maximum:
                raise self._too_dear(weight, requested)
            missing = self._throttle.wait_for(requested, self._patience.now())
            return _Again("the shop's points are used up", max(1.0, missing))
        if codes & answers.TRANSIENT and (asked.kind == "query" or answer.empty):
            told = next(error for error in answer.errors if error.code in answers.TRANSIENT)
            return _Again(f"{told.code}: {told.message}")
        if answer.empty and answer.errors:
            raise answers.failure(asked.name, answer.errors)
        return answer

    def _turned_away(self, status: int, answer: Answer | None) -> Exception:
        told = "; ".join(error.message for error in answer.errors) if answer else ""
        told = told or f"HTTP {status}"
        match status:
            case httpx.codes.UNAUTHORIZED | httpx.codes.FORBIDDEN:
                return AccessDenied(
                    f"{self.domain} refuses the app's token ({told}). Install the app again."
                )
            case httpx.codes.PAYMENT_REQUIRED | httpx.codes.LOCKED:
                return CommerceUnavailable(
                    f"{self.domain} is closed by Shopify ({told}).", retry_after=_FROZEN_FOR
                )
            case httpx.codes.NOT_FOUND:
                return CommerceRefused(
                    f"No shop answers as {self.domain} with API version {API_VERSION} ({told})."
                )
        return CommerceRefused(
            f"{self.domain} refuses the request ({told}).",
            refusals=[Refusal(told, code=str(status))],
        )


def _retry_after(headers: httpx.Headers) -> float | None:
    # The header is a number of seconds or a date. For any other value, we choose the wait.
    value = headers.get("Retry-After", "")
    try:
        if _SECONDS.fullmatch(value):
            return float(value)
        return max(0.0, (parsedate_to_datetime(value) - utc_now()).total_seconds())
    except (TypeError, ValueError):
        return None
