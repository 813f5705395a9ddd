"""Every action of the registry, with input that nobody should send."""

from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories.apps import client_of
from factories.catalogs import NOON, VARIANT, save
from factories.orders import make_line, make_order, make_payment
from factories.schemas import WRONG, example, places, with_value
from factories.shops import make_key, make_shop
from openstoq.actions.help import request_schema
from openstoq.actions.validation import read_body, read_values
from openstoq.catalogue import ACTIONS
from openstoq.errors import Problem
from openstoq.kernel.clock import utc_now
from openstoq.preorders.offers import membership
from openstoq.preorders.offers import store as offers
from openstoq.shops import store

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
every_write = pytest.mark.parametrize("action", WRITES, ids=lambda action: action.name)

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


@pytest.fixture
async def rich(client, database, shop):
    """A client whose points do not run out during the test."""
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET rate_points = 1000000")
    return client


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
    "preorders.orders.cancel": {"refund_deposit": True, "notify_customer": True, "reason": MINE},
    "preorders.orders.release": {"force": True, "tag_with": ["x", "y"]},
    "preorders.orders.payments.charge_balance": {"mode": "manual"},
    "preorders.orders.fulfillment.update": {"hold_reason_note": MINE},
    "preorders.orders.bulk_release": {"order_ids": [1001], "tag_with": "x"},
    "preorders.orders.bulk_cancel": {"order_ids": ["1001"], "reason": MINE},
    "preorders.orders.bulk_send_payment_collection_url": {"order_ids": [1001, 1002]},
    "preorders.orders.bulk_set_tags": {"order_ids": [1001], "tags": ["x"], "remove_tags": ["y"]},
}  # fmt: skip


@pytest.fixture
async def signup_id(rich):
    """A signup of the shop, so that there is something to reach for."""
    created = await rich.post("/back_in_stock/signups", json=CREATE)
    assert created.status_code == 202, created.text
    return created.json()["id"]


@pytest.fixture
async def mine(rich, signup_id, database, shop):
    """What the shop has for each kind of action: a signup, offers of every source, a variant."""
    await save(database, shop)
    owned = {"back_in_stock": signup_id, "preorders.product_variants": str(VARIANT)}
    for source in ("custom", "all", "collection"):
        created = await rich.post("/preorders/offers", json={"name": MINE})
        assert created.status_code == 202, created.text
        owned[source] = created.json()["id"]
    body = {"mode": "full_and_partial"}
    await rich.post(f"/preorders/offers/{owned['custom']}/payments/set_mode", json=body)
    async with database.transaction(shop.id) as db:
        for source, collection in (("all", None), ("collection", 77)):
            await db.execute(
                "UPDATE offers SET source = $2, collection_id = $3 WHERE id = $1",
                UUID(owned[source]),
                source,
                collection,
            )
        offer = await offers.load(db, shop.id, UUID(owned["custom"]), lock=True)
        assert await membership.attach(db, shop.id, offer, [VARIANT], NOON) == []
        owned |= await _orders(db, shop, offer.id)
        # Jobs that wait already would not be enqueued once more.
        await db.execute("DELETE FROM queue.pgqueuer")
    return owned


async def _orders(db, shop, offer_id):
    """An order of which the balance is owed, and one that was paid."""
    owed = await make_order(db, shop.id, 1001, customer_name=MINE, email=f"{MINE}@example.com")
    paid = {"received": 100, "outstanding": 0, "collected_at": NOON, "state": "balance_collected"}
    settled = await make_order(db, shop.id, 1002, customer_name=MINE, **paid)
    for order_id in (1001, 1002):
        parts = {"payment": "partial", "deposit": 20, "balance": 80, "total": 100}
        await make_line(db, shop.id, order_id, line_id=order_id, offer_id=offer_id, **parts)
        facts = {"kind": "deposit", "part": "deposit", "mode": "checkout", "amount": 20}
        await make_payment(db, shop.id, order_id, transaction_id=order_id, **facts)
    await make_payment(db, shop.id, 1002, transaction_id=7)
    return {"preorders.orders": str(owed), "settled": str(settled)}


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
    schema = request_schema(action)
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
    schema = request_schema(action)
    seen = dict.fromkeys(path for path, _ in places(schema, schema))
    return [with_value(path, value) for path in seen for value in WRONG]


def refusal(action, body):
    """The problem with a request, or None; anything else that is raised fails the test."""
    try:
        if action.writes:
            read_body(action.request, content(body))
        else:
            read_values(action.request, body)
    except Problem as problem:
        return problem
    return None


@every_action
def test_every_wrong_value_has_a_sentence(action):
    refusals = [problem for body in wrong_bodies(action) if (problem := refusal(action, body))]
    assert refusals or action.request is None
    for problem in refusals:
        assert all(problem.messages)
        for message in problem.messages:
            # It can be written as UTF-8, and no placeholder was left in it.
            assert b"{field}" not in message.encode()


@every_action
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_json_is_read_or_refused(action, data):
    schema = request_schema(action)
    paths = sorted({path for path, _ in places(schema, schema)}, key=str)
    body = data.draw(json_values)
    if paths and data.draw(st.booleans()):
        body = with_value(data.draw(st.sampled_from(paths)), body)
    if not action.writes and not isinstance(body, dict):
        body = {"value": body}
    problem = refusal(action, body)
    assert problem is None or (problem.status in (400, 422) and all(problem.messages))


@every_action
async def test_wrong_values_through_http_are_never_a_fault(action, rich):
    bodies = wrong_bodies(action)
    # Every place is tried above; through HTTP each kind of value is tried once for each field.
    chosen = bodies[:: max(1, len(bodies) // 60)]
    for body in chosen:
        if action.writes:
            answer = await rich.request(
                action.method, address(action) + "?dry_run=true", content=content(body)
            )
        else:
            # httpx refuses to encode some of them, so only texts and numbers are sent.
            values = {name: str(value)[:5000] for name, value in body.items()}
            answer = await rich.get(address(action), params=values)
        if answer.status_code >= 300:
            assert_envelope(answer)


async def test_unreadable_bodies_are_400(rich):
    for action in WRITES:
        for body in UNREADABLE:
            answer = await rich.request(action.method, address(action), content=body)
            assert_envelope(answer)
            assert answer.status_code == 400, (action.name, body[:20])


async def test_unknown_fields_are_named(rich):
    for action in WRITES:
        answer = await rich.request(
            action.method, address(action), json={**body_for(action), "no_such_field": 1}
        )
        assert_envelope(answer)
        assert answer.status_code == 422, action.name
        assert "no_such_field is not a known field" in answer.json()["errors"]


@every_action
def test_a_nul_is_refused_wherever_text_may_stand(action):
    schema = request_schema(action)
    for path, option in places(schema, schema):
        if option.get("type") == "string":
            assert refusal(action, with_value(path, "a\x00b")), path


async def test_strange_ids_are_404(rich):
    for action in ACTIONS:
        for identifier in STRANGE_IDS if action.path_params else ():
            answer = await call(rich, action, identifier)
            assert_envelope(answer)
            assert answer.status_code == 404, (action.name, identifier)


async def test_nobody_gets_in_without_a_live_key(app, database, shop, key):
    async with database.transaction(shop.id) as db:
        now = utc_now()
        expired = await store.add_key(db, shop.id, name="old", now=now, expires_at=now)
        revoked = await store.add_key(db, shop.id, name="lost", now=now)
        last = (await store.keys(db, shop.id))[-1]
        await store.revoke_key(db, shop.id, last.id, now)
    unknown = "stoq_api_key_" + "A" * 32
    strangers = (None, unknown, "stoq_api_key_", key[:-1], f"{key}a", f"{key} ;", expired, revoked)
    before = await snapshot(database, shop.id)
    for stranger in strangers:
        async with client_of(app, stranger) as client:
            for action in ACTIONS:
                answer = await call(client, action)
                assert_envelope(answer)
                assert answer.status_code == 401, (action.name, stranger)
    assert await snapshot(database, shop.id) == before


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


@every_write
async def test_a_dry_run_changes_nothing(action, rich, mine, database, shop):
    identifier = owned_by(action, mine)
    where = address(action, identifier, str(VARIANT))
    body = body_for(action, identifier)
    if body == CREATE:
        await rich.delete(f"/back_in_stock/signups/{identifier}")
    if action.method == "PATCH" and not action.path_params:
        body = flipped((await rich.get(action.path)).json())
    if action.name == "preorders.offers.restore":
        assert (await rich.post(where.replace("restore", "discard"))).status_code == 202
        async with database.transaction(shop.id) as db:
            await db.execute("DELETE FROM queue.pgqueuer")
    before = await snapshot(database, shop.id)
    dry = await rich.request(
        action.method,
        where + "?dry_run=true",
        content=content(body),
        headers={"Idempotency-Key": "dry"},
    )
    assert dry.status_code < 300, dry.text
    assert await snapshot(database, shop.id) == before
    effects = dry.json()["effects"]
    wet = await rich.request(action.method, where, content=content(body))
    after = await snapshot(database, shop.id)
    assert wet.status_code == dry.status_code
    assert len(after["audit_log"]) == len(before["audit_log"]) + 1
    jobs = len(after["queue.pgqueuer"]) - len(before["queue.pgqueuer"])
    assert len(effects) == jobs


async def test_another_shops_key_reaches_nothing(app, rich, mine, database, shop):
    await rich.patch("/back_in_stock/settings/tagging", json={"order_tags": {"tag": MINE}})
    before = await snapshot(database, shop.id)
    identifiers = {str(row["id"]) for rows in before.values() for row in rows if "id" in row}
    assert set(mine.values()) <= identifiers
    other = await make_shop(database, "other.myshopify.com")
    async with database.transaction(other.id) as db:
        await db.execute("UPDATE shops SET rate_points = 1000000")
    async with client_of(app, await make_key(database, other)) as stranger:
        for action in ACTIONS:
            for identifier in identifiers if action.path_params else (mine["back_in_stock"],):
                answer = await call(stranger, action, identifier)
                assert answer.status_code < 500
                if not action.name.endswith(".create"):
                    assert MINE not in answer.text, action.name
                if action.path_params:
                    assert answer.status_code == 404, action.name
    assert await snapshot(database, shop.id) == before
