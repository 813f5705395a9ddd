"""Requests to every action of the registry: right ones, wrong ones, and what they leave behind."""

import orjson
import pytest
from hypothesis import strategies as st

from openstoq.actions.validation import EmptyRequest, read_body, read_values
from openstoq.errors import Problem
from openstoq.registry import ACTIONS
from tests.factories.catalogs import VARIANT
from tests.factories.schemas import WRONG, example, places, with_value

STRANGE_IDS = (
    "nope",
    "0",
    "-1",
    "1",
    str(2**63),
    str(2**200),
    "00000000-0000-0000-0000-000000000000",
    "019a0000-0000-7000-8000-00000000000",
    "gid:%2F%2Fshopify%2FProduct%2F1",
    "%00",
    "a%00b",
    "%FF",
    "%ED%A0%80",
    "..%2F..%2Fetc",
    "%27%3B--",
    "%F0%9F%8E%81",
    "x" * 10_000,
)

every_action = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
WRITES = [action for action in ACTIONS if action.writes]
CHUNKS = 12

UNREADABLE = (
    b"\xff", b"[]", b"null", b'"x"', b"{", b"[" * 50_000, b'{"a":' * 50_000, b"a=b", b"NaN", b"\x00",
)  # fmt: skip

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), below, max_size=3)
    ),
    max_leaves=8,
)


def group_of(action):
    """Actions that only change one document of an offer can follow each other; others stand alone."""
    parts = action.name.split(".")
    edits = action.name.startswith("preorders.offers.") and len(parts) == 4
    return parts[2] if edits and parts[2] not in ("products", "translations") else action.name


GROUPS = {}
for write in WRITES:
    GROUPS.setdefault(group_of(write), []).append(write)


NOBODYS = "019a0000-0000-7000-8000-000000000000"

# What every text of the shop says, so that it is found wherever it should not be.
MINE = "only-of-this-shop"

# Requests whose fields depend on each other; those of other actions are made from their schemas.
EXAMPLES = {
    "back_in_stock.signups.create": {
        "channel": "email",
        "email": f"{MINE}@example.com",
        "name": MINE,
        "shopify_variant_id": 1,
        "shopify_product_id": 2,
    },
    "back_in_stock.signups.transfer": {
        "from_shopify_variant_id": 1,
        "to_shopify_variant_id": 3,
        "to_shopify_product_id": 2,
    },
}
EXAMPLES["back_in_stock.signups.unblock"] = {"reason": "550"}
EXAMPLES["back_in_stock.signups.import"] = {
    "csv": f"variant_id,contact,name\n{VARIANT},{MINE}@example.com,{MINE}\n"
}
CREATE = EXAMPLES["back_in_stock.signups.create"]
FUTURE = "2099-01-01T00:00:00Z"
EXAMPLES |= {
    "preorders.offers.create": {"name": MINE, "internal_name": MINE},
    "preorders.offers.update": {"name": MINE, "widget": {"badge": {"text": MINE}}},
    "preorders.offers.enable": {"update_inventory_policy": True},
    "preorders.offers.disable": {"update_inventory_policy": True, "variant_ids": [VARIANT]},
    "preorders.offers.schedule": {"start": "2026-01-01", "end": FUTURE},
    "preorders.offers.shipping.update": {"delivery": {"type": "window", "days": 3}},
    "preorders.offers.payments.update": {"discount": {"type": "percentage", "value": "5"}},
    "preorders.offers.payments.set_mode": {"mode": "full_and_partial"},
    "preorders.offers.payments.disable_option": {"option_type": "full"},
    "preorders.offers.payments.set_option_copy": {"option_type": "partial"},
    "preorders.offers.shipping.set_delivery_date": {"date": "2099-01-01"},
    "preorders.offers.countdown.set_custom_end_date": {"date": FUTURE},
    "preorders.offers.limits.update": {"per_order": {"min": 1, "max": 2}},
    "preorders.offers.limits.set_min_per_order": {"min": 1},
    "preorders.offers.payments.set_discount": {"type": "price", "value": "5"},
    "preorders.offers.products.update": {"source": "custom", "custom": {"variant_ids": [VARIANT]}},
    "preorders.offers.products.remove_variants": {"variant_ids": [VARIANT]},
    "preorders.offers.products.set_source_to_all": {"confirm": True},
    "preorders.offers.translations.set": {
        "locale": "fr", "field": "widget.badge.text", "value": MINE,
    },
    "preorders.offers.translations.set_many": {
        "locale": "fr", "translations": {"widget.badge.text": MINE},
    },
    "preorders.offers.translations.unset": {"locale": "fr", "field": "widget.badge.text"},
    "preorders.offers.translations.clear_locale": {"locale": "pt-BR"},
    "back_in_stock.templates.set": {
        "template": "alert", "locale": "fr", "text": "{{ unsubscribe_url }}",
    },
    "back_in_stock.templates.preview": {"template": "optin", "subject": "x"},
    "back_in_stock.templates.send_test": {"template": "alert", "email": "me@example.com"},
    "back_in_stock.templates.unset": {"template": "alert", "locale": "fr"},
    "back_in_stock.brand.update": {"footer": "x"},
    "preorders.orders.cancel": {"refund_deposit": True, "notify_customer": True, "reason": MINE},
    "preorders.orders.release": {"force": True, "tag_with": ["x", "y"]},
    "preorders.orders.payments.charge_balance": {"mode": "manual"},
    "preorders.orders.fulfillment.update": {"hold_reason_note": MINE},
    "preorders.orders.bulk_release": {"order_ids": [1001], "tag_with": "x"},
    "preorders.orders.bulk_cancel": {"order_ids": ["1001"], "reason": MINE},
    "preorders.orders.bulk_send_payment_collection_url": {"order_ids": [1001, 1002]},
    "preorders.orders.bulk_set_tags": {"order_ids": [1001], "tags": ["x"], "remove_tags": ["y"]},
}  # fmt: skip


SETTLED = {
    "preorders.orders.payments.refund_balance",
    "preorders.orders.payments.refund",
    "preorders.orders.fulfillment.release_holds",
}
SOURCES = {
    "preorders.offers.products.set_excluded_variants": "all",
    "preorders.offers.products.set_exclusion_tag": "all",
    "preorders.offers.products.set_collection": "collection",
}


def owned_by(action, mine):
    """The id in `mine` at which an action has something to do."""
    if action.name.startswith("preorders.offers"):
        return mine[SOURCES.get(action.name, "custom")]
    if action.name in SETTLED:
        return mine["settled"]
    return next(one for kind, one in mine.items() if action.name.startswith(kind))


def address(action, identifier=NOBODYS, variant=None):
    path = action.path
    for name in action.path_params:
        part = variant if variant and name == "variant_id" and "{id}" in action.path else identifier
        path = path.replace("{" + name + "}", part)
    return path


def body_for(action, identifier=NOBODYS):
    if action.name in EXAMPLES:
        return EXAMPLES[action.name]
    schema = action.request_schema
    return example(schema, schema, identifier) if action.request else {}


def content(value):
    """JSON for any value, integers of any length included."""
    if isinstance(value, dict):
        pairs = (orjson.dumps(key) + b":" + content(entry) for key, entry in value.items())
        return b"{" + b",".join(pairs) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(content, value)) + b"]"
    if isinstance(value, int) and not isinstance(value, bool):
        return b"%d" % value
    return orjson.dumps(value)


def assert_envelope(answer):
    """A 4xx, with sentences and the headers that every response has."""
    assert 400 <= answer.status_code < 500, (answer.request.url, answer.text)
    assert answer.headers["X-Request-Id"]
    said = answer.json()["errors"]
    assert said
    assert all(isinstance(sentence, str) and sentence for sentence in said)
    if answer.status_code != 401:
        assert answer.headers["X-RateLimit-Limit"]


def wrong_bodies(action):
    """Each wrong value at each place of the request."""
    schema = action.request_schema
    seen = dict.fromkeys(path for path, _ in places(schema, schema))
    return [with_value(path, value) for path in seen for value in WRONG]


def refusal(action, body):
    """The problem with a request, or None; anything else that is raised fails the test."""
    try:
        if action.writes:
            read_body(action.request or EmptyRequest, content(body))
        else:
            read_values(action.request or EmptyRequest, body)
    except Problem as problem:
        return problem
    return None


async def call(client, action, identifier=NOBODYS):
    """Send a request that would be right, but for the caller or the id."""
    body = {"json": body_for(action, identifier)} if action.writes else {}
    return await client.request(action.method, address(action, identifier), **body)


async def snapshot(database, shop_id):
    """Every row of every tenant's table, of one shop, and each of its jobs."""
    async with database.transaction(shop_id) as db:
        tables = await db.fetch(
            "SELECT DISTINCT table_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name = 'shop_id' ORDER BY 1"
        )
        rows = "SELECT jsonb_agg(to_jsonb(t) ORDER BY to_jsonb(t)::text) FROM {} t"
        found = {name: await db.fetchval(rows.format(name)) or [] for (name,) in tables}
        jobs = rows.format("queue.pgqueuer") + " WHERE convert_from(payload, 'UTF8') LIKE $1"
        return found | {"queue.pgqueuer": await db.fetchval(jobs, f"%{shop_id}%") or []}


def flipped(value):
    """The same settings with every switch turned."""
    if isinstance(value, dict):
        return {name: flipped(entry) for name, entry in value.items()}
    return not value if isinstance(value, bool) else value
