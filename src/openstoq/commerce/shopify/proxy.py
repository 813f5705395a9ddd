"""Requests that Shopify forwards from a shop's pages to the app, and signs: the app proxy.

https://shopify.dev/docs/apps/build/online-store/app-proxies/authenticate-app-proxies
"""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from openstoq.commerce.inbound import Forwarded
from openstoq.kernel.ids import shopify_id

SIGNATURE = "signature"
_LATEST = 253402300799  # the last second of the year 9999


def forwarded(query: Iterable[tuple[str, str]], secrets: Sequence[str]) -> Forwarded | None:
    """Read a signed query; None when none of the secrets signed it, or it is not one."""
    values: dict[str, list[str]] = defaultdict(list)
    for name, value in query:
        values[name].append(value)
    given = ",".join(values.pop(SIGNATURE, ())).encode()
    message = "".join(sorted(f"{name}={','.join(each)}" for name, each in values.items())).encode()
    genuine = False
    for secret in secrets:
        digest = hmac.digest(secret.encode(), message, hashlib.sha256).hex().encode()
        # An empty secret would let anybody sign.
        genuine |= hmac.compare_digest(digest, given) and bool(secret)
    try:
        (shop,), (timestamp,) = values["shop"], values["timestamp"]
        customer = "".join(values["logged_in_customer_id"])
        signed_at = datetime.fromtimestamp(min(int(timestamp), _LATEST), UTC)
        customer_id = shopify_id(customer) if customer else None
    except (ValueError, OverflowError):
        return None
    return Forwarded(shop.lower(), customer_id, signed_at) if genuine else None
