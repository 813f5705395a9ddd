"""The app proxy: signed requests that Shopify forwards from a shop's pages to the app.

https://shopify.dev/docs/apps/build/online-store/app-proxies/authenticate-app-proxies
"""

import hashlib
import hmac
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from openstoq.commerce.inbound import Forwarded
from openstoq.kernel.ids import shopify_id

SIGNATURE = "signature"
_READ = (SIGNATURE, "shop", "timestamp", "logged_in_customer_id")
# Seconds since 1970.
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_LATEST = 253402300799  # the last second of the year 9999


def forwarded(query: Iterable[tuple[str, str]], secrets: Sequence[str]) -> Forwarded | None:
    """Parse a signed query; return None if no secret signed it, or if it is malformed.

    Shopify joins the values of a repeated parameter by commas before it signs them, so several
    values would be ambiguous. A query that repeats a parameter read here counts as malformed.
    """
    values: dict[str, list[str]] = defaultdict(list)
    for name, value in query:
        values[name].append(value)
    if any(len(values[name]) > 1 for name in _READ):
        return None
    given = "".join(values.pop(SIGNATURE)).encode()
    customer = "".join(values["logged_in_customer_id"])
    message = "".join(
        sorted(f"{name}={','.join(each)}" for name, each in values.items() if each)
    ).encode()
    genuine = False
    for secret in secrets:
        digest = hmac.digest(secret.encode(), message, hashlib.sha256).hex().encode()
        # An empty secret would let anybody sign.
        genuine |= hmac.compare_digest(digest, given) and bool(secret)
    shop, timestamp = "".join(values["shop"]), "".join(values["timestamp"])
    if not (genuine and shop and _TIMESTAMP.fullmatch(timestamp)):
        return None
    try:
        customer_id = shopify_id(customer) if customer else None
    except ValueError:
        return None
    signed_at = datetime.fromtimestamp(min(int(timestamp), _LATEST), UTC)
    return Forwarded(shop.lower(), customer_id, signed_at)
