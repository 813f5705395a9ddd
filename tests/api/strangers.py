"""Requests that a stranger may make: every keyless address, with whatever comes to mind."""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

VARIANT, PRODUCT = 43900910010503, 7891234567890
FORMS = [
    f"/api/v1{middle}/intents{ending}" for middle in ("", "/external") for ending in ("", ".json")
]
CHECK, OFFER = "/api/storefront/preorders/check", "/api/storefront/preorders"
V2 = "/api/v2/external"
MCP = ("/mcp", f"{V2}/mcp")
LINKS = ("/unsubscribe/", "/confirm/")
PLAIN = (
    "/openapi.json",
    f"{V2}/openapi.json",
    "/healthz",
    "/readyz",
    "/metrics",
    "/",
    "/favicon.ico",
)
KEYED = (
    "/api/v1/intents/x", "/api/v1/preorders.json", "/api/v1/intents/bulk_destroy",
    f"{V2}/help", f"{V2}/back_in_stock/signups", f"{V2}/preorders/offers/1", f"{V2}/nope", V2,
)  # fmt: skip
WEBHOOKS = "/webhooks/shopify"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")

FORM: dict[str, Any] = {
    "intent": {
        "shopify_variant_id": VARIANT,
        "shopify_product_id": PRODUCT,
        "shopify_market_id": 5,
        "channel": "email",
        "quantity": 1,
        "source": "api",
    },
    "customer": {
        "id": "1",
        "email": "shopper@example.com",
        "phone": "14155552671",
        "push": "token",
        "name": "Alex Shopper",
        "accepts_marketing": True,
        "country": "us",
        "country_code": "1",
        "locale": "en",
        "shopify_market_id": 5,
        "shopify_customer_id": 7,
    },
    "product": {"title": "Board", "variant_count": 3, "sku": "B-1"},
    "shop": "snowdevil.myshopify.com",
}
CART = {
    "lines": [{"variant_id": VARIANT, "quantity": 2, "selling_plan_id": 4711, "offer_id": None}],
    "market_id": 5,
    "country": "DE",
    "terms_accepted": True,
    "locale": "fr",
    "customer": {"id": 1, "email": "a@example.com"},
}
QUERY = {
    "variant_id": str(VARIANT), "market_id": "5", "locale": "de", "shop": "snowdevil.myshopify.com",
    "signature": "0" * 64, "timestamp": "1700000000", "logged_in_customer_id": "7",
    "path_prefix": "/apps/x", "dry_run": "true", "prefix": "/x",
}  # fmt: skip
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "x", "arguments": {"id": "1"}, "_meta": {"a": 1}},
}
DELIVERY = {"id": 1, "shop_domain": "snowdevil.myshopify.com", "customer": {"id": 1, "email": "x"}}

WORDS = (
    "", " ", "x", "null", "true", "0", "-0", "1e999", "NaN", "zh-Hant ", "sr_Latn", "en-001 ", "und",
    "../../etc/passwd", "a\x00b", "\x1b[0m", "\x85", "\u202eevil", "\u2028", "\ufeff", "\ud800",
    "\udfff", "😀" * 50, "é" * 300, "x" * 100_000, "%00", "%ff", "' OR 1=1 --", "{{ 7 * 7 }}", "${x}",
    "a@b", "a@b.example", "a" * 70 + "@example.com", "a@" + "b." * 200 + "example",
    '"a b"@example.com', "idn@bücher.example", "a@[127.0.0.1]", "+1", "+" * 40, "٣" * 12, "1" * 5000,
    "gid://shopify/ProductVariant/1", "gid://shopify/Market/" + "9" * 30, "9" * 19, "email", "sms",
    "push", "2026-13-45", "DE", "ZZ", "ß", "１", "stoq_api_key_" + "A" * 32, "Bearer x",
    "snowdevil.myshopify.com", "other.myshopify.com", "SNOWDEVIL.MYSHOPIFY.COM",
)  # fmt: skip
NUMBERS = (0, 1, -1, 5, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 2**200, 10**400, 1.5, 1e308, -0.0)
LITERALS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "9" * 5000,
    "-",
    "01",
    "1.",
    '"\\ud800"',
    "'x'",
)
HEADERS = (
    "x-shopify-shop-domain", "idempotency-key", "x-request-id", "content-type", "x-auth-token",
    "authorization", "x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-webhook-id",
    "x-shopify-triggered-at", "x-forwarded-for", "accept", "origin", "mcp-session-id",
    "mcp-protocol-version", "accept-encoding", "range", "if-none-match", "host",
)  # fmt: skip


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    query: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


class Strangers:
    """A seeded source of requests."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - what it makes up guards nothing
        self.shoppers = 0

    def ask(self) -> Asked:
        """Make up the next request."""
        kind = self.random.choice(
            (self._form, self._form, self._form, self._cart, self._cart, self._offer, self._link,
             self._webhook, self._mcp, self._keyed, self._plain)
        )  # fmt: skip
        asked = kind()
        if self.random.random() < 0.1:
            asked.method = self.random.choice(METHODS)
        asked.headers += self._headers()
        return asked

    def _form(self) -> Asked:
        query = self._query() if self.random.random() < 0.2 else b""
        self.shoppers += 1
        # A shopper of its own, or most would only be told that they wait already.
        customer = FORM["customer"] | {"email": f"shopper{self.shoppers}@example.com"}
        intent = FORM["intent"]
        if self.random.random() < 0.1:
            customer["push"], intent = self._token(), intent | {"channel": "push"}
        body = self._body(FORM | {"customer": customer, "intent": intent})
        return Asked("POST", self.random.choice(FORMS), query, self._named(), body)

    def _token(self) -> str:
        """Return a token that cannot be compressed, in letters of one, two, three or four bytes."""
        first, last = self.random.choice(
            ((33, 126), (0xC0, 0x24F), (0x4E00, 0x9FA5), (0x20000, 0x2A6D6))
        )
        length = self.random.choice((20, 500, 700, 1000, 2000, 3000, 4096))
        return "".join(chr(self.random.randint(first, last)) for _ in range(length))

    def _cart(self) -> Asked:
        query = self._query() if self.random.random() < 0.3 else b""
        return Asked("POST", CHECK, query, self._named(), self._body(CART))

    def _offer(self) -> Asked:
        return Asked("GET", OFFER, self._query(), self._named())

    def _link(self) -> Asked:
        path = self.random.choice(LINKS) + self._word().replace("/", "")
        return Asked(self.random.choice(("GET", "POST")), path, body=self._body({}))

    def _webhook(self) -> Asked:
        return Asked("POST", WEBHOOKS, b"", self._named(), self._body(DELIVERY))

    def _mcp(self) -> Asked:
        return Asked("POST", self.random.choice(MCP), b"", [], self._body(CALL))

    def _keyed(self) -> Asked:
        path = self.random.choice(KEYED)
        return Asked(self.random.choice(METHODS), path, self._query(), [], self._body(FORM))

    def _plain(self) -> Asked:
        return Asked("GET", self.random.choice(PLAIN), self._query())

    def _named(self) -> list[tuple[bytes, bytes]]:
        if self.random.random() < 0.05:
            return []
        return [(b"x-shopify-shop-domain", b"snowdevil.myshopify.com")]

    def _headers(self) -> list[tuple[bytes, bytes]]:
        chosen = self.random.sample(HEADERS, self.random.choice((0, 0, 0, 1, 2)))
        return [(name.encode(), self._header()) for name in chosen]

    def _header(self) -> bytes:
        value = self._word().encode("utf-8", "surrogatepass")[:8000]
        # A server of HTTP takes no header with a line break or NUL in it.
        return bytes(octet for octet in value if octet not in b"\x00\r\n").strip()

    def _query(self) -> bytes:
        pairs = []
        for name in self.random.sample(sorted(QUERY), self.random.randint(0, len(QUERY))):
            value = QUERY[name] if self.random.random() < 0.6 else self._word()[:2000]
            pairs.append(f"{name}={value}".encode("utf-8", "surrogatepass"))
        raw = b"&".join(pairs) + self.random.choice((b"", b"", b"&", b"&%ff=%ff", b"&shop=x", b"%"))
        return bytes(octet for octet in raw if octet not in b" \r\n#")

    def _word(self) -> str:
        word = self.random.choice(WORDS)
        if self.random.random() < 0.2:
            word += chr(self.random.choice((0, 9, 10, 0x85, 0xD800, 0x202E, 0x10FFFF, 0xFF0E)))
        return word

    def _body(self, form: dict[str, Any]) -> bytes:
        whole = json.loads(json.dumps(form))
        for _ in range(self.random.choice((0, 1, 1, 1, 2, 3))):
            self._change(whole)
        text = self._written(whole)
        return self._damaged(text) if self.random.random() < 0.2 else text

    def _change(self, value: dict[str, Any]) -> None:
        """Put something else at one place."""
        while True:
            if not value or self.random.random() < 0.05:
                value[self._word()[:100]] = self._value()
                return
            name = self.random.choice(list(value))
            inner = value[name]
            if isinstance(inner, list) and inner and self.random.random() < 0.8:
                inner = inner[0]
            if isinstance(inner, dict) and self.random.random() < 0.8:
                value = inner
                continue
            value[name] = self._value()
            return

    def _value(self) -> Any:
        kind = self.random.randrange(8)
        if kind <= 3:
            return self._word()
        if kind == 4:
            return self.random.choice(NUMBERS)
        if kind == 5:
            return self.random.choice((None, True, False, [], {}, [[]], {"": None}))
        if kind == 6:
            return [self._word()[:50] for _ in range(self.random.choice((1, 5, 3000)))]
        nested = self.random.choice((3, 150, 220, 1500, 20_000))
        return _Raw("[" * nested + "1" + "]" * nested)

    def _written(self, value: Any) -> bytes:
        """Write JSON in which a few values are none."""
        raws: list[str] = []

        def plain(one: Any) -> Any:
            if isinstance(one, _Raw):
                raws.append(one.text)
                return f"@raw{len(raws) - 1}@"
            if isinstance(one, dict):
                return {name: plain(inner) for name, inner in one.items()}
            return [plain(inner) for inner in one] if isinstance(one, list) else one

        text = json.dumps(plain(value), ensure_ascii=self.random.random() < 0.5)
        for place, raw in enumerate(raws):
            text = text.replace(f'"@raw{place}@"', raw)
        if self.random.random() < 0.1:
            text = text.replace("1", self.random.choice(LITERALS), 1)
        if self.random.random() < 0.05:
            text = text.replace("{", '{"intent": {}, "lines": [], "intent": 1, ', 1)
        return text.encode("utf-8", "surrogatepass")

    def _damaged(self, text: bytes) -> bytes:
        place = self.random.randrange(len(text) + 1)
        return self.random.choice(
            (
                b"\xef\xbb\xbf" + text,
                text.decode("utf-8", "replace").encode("utf-16"),
                text[:place],
                text + text,
                self.random.randbytes(200),
                b"[" * 100_000,
                b"{" + b'"a":{' * 50_000,
                text[:place] + self.random.randbytes(1) + text[place:],
            )
        )


@dataclass
class _Raw:
    """JSON that the standard library would not write, such as what is nested too deep."""

    text: str
