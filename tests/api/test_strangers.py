"""Sign-ups without a key: what strangers are told, what they can change, and how much of it."""

import hashlib
import hmac
from datetime import timedelta
from random import Random
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from factories.apps import client_of, make_app
from factories.catalogs import PRODUCT, VARIANT, product, save, variant
from factories.deliveries import SECRET, make_delivery
from factories.fixtures import key, shop
from factories.runtimes import KEY, make_runtime
from factories.shops import make_key, make_shop
from factories.waitlists import rows, run_of, set_settings
from openstoq.back_in_stock.notifications.links import CONFIRM, UNSUBSCRIBE, link
from openstoq.back_in_stock.notifications.single_mails import ask_returned
from openstoq.back_in_stock.privacy import store as privacy
from openstoq.back_in_stock.signups.rules import MOST_UNASKED
from openstoq.catalog import markets, pulls
from openstoq.commerce.inbound import Inbound
from openstoq.commerce.orders import Market
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.config import Limits, Security, Settings, Shopify
from openstoq.jobs.queue import waiting_arguments
from openstoq.kernel.clock import utc_now
from openstoq.registry import SUBSCRIBERS
from openstoq.shops.inbound_webhooks.jobs import work_off
from openstoq.web import inbound_webhooks
from openstoq.web.storefront import carts, links, offers
from openstoq.web.v1 import routes as v1

__all__ = ["key", "shop"]

ASK = "back_in_stock.mails.send_optin_request"
ADA = "ada@example.com"
# What is another's for every sign-up: its id, which stands for the customer too, and its time.
OWN = {"id", "customer_id", "created_at", "updated_at", "email", "contact"}


def runtime_of(database, **limits):
    settings = Settings(
        security=Security(key=KEY),
        shopify=Shopify(client_secret=SecretStr(SECRET)),
        limits=Limits(**limits),
    )
    return make_runtime(
        database, settings=settings, ports={Inbound: ShopifyInbound()}, subscribers=SUBSCRIBERS
    )


def app_of(runtime):
    faces = (v1, offers, carts, links, inbound_webhooks)
    return make_app(runtime, routes=[one for face in faces for one in face.routes(runtime)])


@pytest.fixture
def runtime(database):
    return runtime_of(database)


@pytest.fixture
def app(runtime):
    return app_of(runtime)


@pytest.fixture
async def stranger(app, shop, database):
    await save(database, shop, product(variant(), variant(VARIANT + 1)))
    async with client_of(app, base="") as opened:
        opened.headers["X-Shopify-Shop-Domain"] = shop.domain
        yield opened


@pytest.fixture
async def merchant(app, key, shop):
    async with client_of(app, key, base="") as opened:
        yield opened


def form(email=ADA, *, number=VARIANT, market=None, **customer):
    intent = {
        "shopify_variant_id": number,
        "shopify_product_id": PRODUCT,
        "shopify_market_id": market,
        "channel": "email",
        "source": "api",
    }
    return {"intent": intent, "customer": {"email": email, **customer}}


async def signed_up(client, *arguments, headers=None, query="", **fields):
    answer = await client.post(
        f"/api/v1/intents{query}", json=form(*arguments, **fields), headers=headers
    )
    assert answer.status_code == 201, answer.text
    (intent,) = answer.json()["intents"]
    return intent


async def refused(client, *arguments, **fields):
    answer = await client.post("/api/v1/intents", json=form(*arguments, **fields))
    assert (answer.status_code, list(answer.json())) == (200, ["errors"]), answer.text
    return " ".join(answer.json()["errors"])


async def customer_of(database, shop, email=ADA):
    (row,) = [one for one in await rows(database, shop, "customers") if one["email"] == email]
    return row


async def asked_of(database, shop):
    async with database.transaction(shop.id) as db:
        return await waiting_arguments(db, shop.id, ASK)


# What they are told, and what they change


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("uk", "GB"), ("EL", "GR"), ("de", "DE"), ("AN", None), ("ZZ", None), ("Germany", None),
     ("", None), (" ", None), (None, None), ("ß", None)],
)  # fmt: skip
async def test_a_shopper_is_not_turned_away_for_a_country(
    database, shop, stranger, merchant, sent, kept
):
    await signed_up(stranger, country=sent)
    await signed_up(merchant, "bob@example.com", country=sent)
    assert [row["country"] for row in await rows(database, shop, "customers")] == [kept] * 2


@pytest.mark.parametrize("state", ["named", "unsubscribed", "notified_at", "blocked_at", "waiting"])
async def test_a_known_contact_is_answered_and_kept_as_an_unknown_one(
    database, shop, app, stranger, merchant, runtime, state
):
    known = await signed_up(
        merchant, number=VARIANT if state not in ("named", "waiting") else VARIANT + 1,
        name="Ada Lovelace", locale="fr", country="FR", accepts_marketing=True,
        shopify_customer_id=77,
    )  # fmt: skip
    if state == "unsubscribed":
        signup = (await rows(database, shop, "signups"))[0]
        address = link(runtime, UNSUBSCRIBE, shop.id, signup["id"])
        assert (await stranger.post(address)).status_code == 200
    elif state.endswith("_at"):
        async with database.transaction(shop.id) as db:
            await db.execute(f"UPDATE signups SET {state} = now()")  # noqa: S608 - a test's own names
    before = await customer_of(database, shop)
    assert (before["name"], before["shopify_id"]) == ("Ada Lovelace", 77)
    said = {"name": "Eve", "locale": "de", "country": "DE", "accepts_marketing": False,
            "shopify_customer_id": 66}  # fmt: skip
    of_known = await signed_up(stranger, **said)
    of_unknown = await signed_up(stranger, "nobody@example.com", **said)
    assert await customer_of(database, shop) == before
    assert {**of_known, **dict.fromkeys(OWN)} == {**of_unknown, **dict.fromkeys(OWN)}
    assert of_known["customer_name"] == "Eve"
    assert of_known["accepts_marketing"] is False
    assert not any(one in str(of_known) for one in ("Lovelace", known["customer_id"], "FR"))
    # Where only those who had unsubscribed are asked, a job at once would take longer.
    assert await asked_of(database, shop) == []


async def test_who_had_unsubscribed_is_asked_a_little_later(database, shop, stranger, runtime):
    first = await signed_up(stranger)
    assert (
        await stranger.post(link(runtime, UNSUBSCRIBE, shop.id, UUID(first["id"])))
    ).status_code == 200
    again = await signed_up(stranger)
    assert again["optin_confirmed"] is True
    assert again["customer_unsubscribed_at"] is None
    assert await asked_of(database, shop) == []
    for _ in range(2):
        await ask_returned.handler(run_of(runtime, shop))
        assert await asked_of(database, shop) == [{"signup_id": again["id"]}]


async def test_a_new_customer_is_what_was_sent_but_for_an_id_that_nobody_signed(
    database, shop, stranger
):
    await signed_up(stranger, name="Eve", locale="DE-de ", country="de", shopify_customer_id=66)
    customer = await customer_of(database, shop)
    assert (customer["name"], customer["locale"], customer["country"]) == ("Eve", "de-DE", "DE")
    assert customer["shopify_id"] is None
    (signup,) = await rows(database, shop, "signups")
    assert (signup["name"], signup["shopify_customer_id"]) == ("Eve", None)


async def test_a_key_vouches_for_what_it_sends(database, shop, stranger, merchant):
    await signed_up(stranger, name="Eve")
    told = await signed_up(merchant, number=VARIANT + 1, name="Ada", shopify_customer_id=77)
    customer = await customer_of(database, shop)
    assert (customer["name"], customer["shopify_id"]) == ("Ada", 77)
    assert told["customer_id"] == str(customer["id"])
    wrong = await stranger.post(
        "/api/v1/intents", json=form(), headers={"X-Auth-Token": "stoq_api_key_" + "A" * 32}
    )
    assert wrong.status_code == 401


# How much of it a mailbox gets

NAMES = ["ada@gmail.com", "a.da@gmail.com", "ada+x@googlemail.com"]


async def catalogue_of(database, shop, count):
    """Save a product of that many variants."""
    await save(database, shop, product(*(variant(VARIANT + n) for n in range(count))))


async def test_more_than_a_mailbox_may_have_unasked_waits_to_be_confirmed(
    database, shop, stranger, merchant, runtime
):
    await catalogue_of(database, shop, 100)
    answers = [await signed_up(stranger, NAMES[n % 3], number=VARIANT + n) for n in range(50)]
    of_another = await signed_up(stranger, "bob@gmail.com")
    # Nothing of an answer tells it.
    told = [{**one, **dict.fromkeys(OWN | {"shopify_variant_id"})} for one in answers]
    assert all(one == {**of_another, **dict.fromkeys(OWN | {"shopify_variant_id"})} for one in told)
    held = [row for row in await rows(database, shop, "signups") if row["optin_required"]]
    assert {str(row["id"]) for row in held} == {one["id"] for one in answers[MOST_UNASKED:]}
    assert await asked_of(database, shop) == []
    # A merchant may add what it likes.
    await signed_up(merchant, NAMES[0], number=VARIANT + 60)
    assert len([1 for row in await rows(database, shop, "signups") if row["optin_held"]]) == 30
    await ask_returned.handler(run_of(runtime, shop))
    assert {one["signup_id"] for one in await asked_of(database, shop)} == {
        str(row["id"]) for row in held
    }


async def test_who_confirms_once_may_have_more(database, shop, stranger, runtime):
    await catalogue_of(database, shop, 100)
    waiting = [await signed_up(stranger, number=VARIANT + n) for n in range(50)]
    bobs = await signed_up(stranger, "ada+bob@example.com", number=VARIANT)
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE signups SET product_id = variant_id")
    address = link(runtime, CONFIRM, shop.id, UUID(waiting[-1]["id"]))
    assert (await stranger.post(address)).status_code == 200
    unconfirmed = {
        str(row["id"])
        for row in await rows(database, shop, "signups")
        if row["optin_required"] and row["optin_confirmed_at"] is None
    }
    freed = {one["id"] for one in [*waiting[: 2 * MOST_UNASKED], waiting[-1]]}
    assert unconfirmed == {one["id"] for one in [*waiting, bobs]} - freed
    more = await signed_up(stranger, number=VARIANT + 60)
    async with database.transaction(shop.id) as db:
        assert await db.fetchval("SELECT NOT optin_held FROM signups WHERE id = $1", more["id"])


@pytest.mark.parametrize(
    ("change", "is_held"),
    [
        ("notified_at = now()", True),
        ("notified_at = now() - interval '25 hours'", False),
        ("blocked_at = now()", False),
    ],
)
async def test_what_was_told_today_counts_and_what_ended_does_not(
    database, shop, stranger, change, is_held
):
    await catalogue_of(database, shop, 100)
    for n in range(MOST_UNASKED):
        await signed_up(stranger, number=VARIANT + n)
    async with database.transaction(shop.id) as db:
        await db.execute(f"UPDATE signups SET {change}")  # noqa: S608 - a test's own words
    last = await signed_up(stranger, number=VARIANT + 60)
    (row,) = [row for row in await rows(database, shop, "signups") if str(row["id"]) == last["id"]]
    assert row["optin_held"] is row["optin_required"] is is_held


# What Shopify has signed


def signed(shop, runtime, /, secret=SECRET, **changes):
    query = {
        "shop": shop.domain,
        "logged_in_customer_id": "66",
        "path_prefix": "/apps/stock",
        "timestamp": str(int(runtime.clock().timestamp())),
    } | changes
    message = "".join(sorted(f"{name}={value}" for name, value in query.items()))
    signature = hmac.digest(secret.encode(), message.encode(), hashlib.sha256).hex()
    return "?" + urlencode(query | {"signature": signature})


def twice(query, name):
    """Give an empty value beside the one of a name, which a signature cannot tell from a comma."""
    return query.replace("%2C", "") + f"&{name}="


async def test_a_forwarded_request_is_believed_who_was_logged_in(
    database, shop, app, stranger, merchant, runtime
):
    await signed_up(merchant, number=VARIANT + 1, name="Ada", shopify_customer_id=77)
    before = await customer_of(database, shop)
    async with client_of(app, base="") as shopify:
        await signed_up(shopify, query=signed(shop, runtime), shopify_customer_id=77)
        await signed_up(
            shopify, "x@example.com", query=signed(shop, runtime, logged_in_customer_id="")
        )
    assert await customer_of(database, shop) == before
    ids = [row["shopify_customer_id"] for row in await rows(database, shop, "signups")]
    assert sorted(ids, key=str) == [66, 77, None]


async def test_a_signature_that_is_not_shopifys_is_401(shop, app, stranger, runtime):
    good = signed(shop, runtime)
    now = str(int(runtime.clock().timestamp()))
    old = str(int((runtime.clock() - timedelta(minutes=6)).timestamp()))
    early = str(int((runtime.clock() + timedelta(minutes=6)).timestamp()))
    for query in (
        good.replace("=66", "=77"),
        good + "&logged_in_customer_id=77",
        good + "&more=1",
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        "?shop=" + shop.domain + "&signature=",
        "?signature=" + "0" * 64,
        signed(shop, runtime, secret=""),
        signed(shop, runtime, secret="another app's"),
        signed(shop, runtime, timestamp=old),
        signed(shop, runtime, timestamp=early),
        signed(shop, runtime, timestamp="soon"),
        signed(shop, runtime, timestamp="9" * 400),
        signed(shop, runtime, logged_in_customer_id="me"),
        signed(shop, runtime, timestamp="-100000000000000000"),
        signed(shop, runtime, timestamp="-1"),
        signed(shop, runtime, timestamp=""),
        signed(shop, runtime, timestamp="1" * 13),
        signed(shop, runtime, timestamp="９" * 10),
        signed(shop, runtime, timestamp="1_700_000_000"),
        signed(shop, runtime, timestamp=" 1700000000"),
        signed(shop, runtime, timestamp="1e9"),
        # As joined values are signed: who adds one that is empty signs nothing else.
        twice(signed(shop, runtime, logged_in_customer_id="66,"), "logged_in_customer_id"),
        twice(signed(shop, runtime, shop=f"{shop.domain},"), "shop"),
        twice(signed(shop, runtime, timestamp=f"{now},"), "timestamp"),
        twice(good, "signature"),
    ):
        answer = await stranger.post(f"/api/v1/intents{query}", json=form())
        assert answer.status_code == 401, (query, answer.text)
        assert list(answer.json()) == ["error"]


async def test_a_strangers_request_to_be_forgotten_forgets_the_stranger(
    database, shop, app, stranger, merchant, runtime
):
    """Somebody logged in signs others up, and asks to be forgotten: theirs goes, nothing else."""
    await signed_up(merchant, name="Ada", shopify_customer_id=77)
    await signed_up(stranger, number=VARIANT + 1, shopify_customer_id=66)
    async with client_of(app, base="") as shopify:
        query = signed(shop, runtime)
        await signed_up(shopify, "bob@example.com", query=query)
        await signed_up(shopify, "bob@example.com", number=VARIANT + 1, query=query)
    await signed_up(stranger, "bob@example.com", market=None, number=VARIANT + 2)
    async with client_of(app, base="") as shopify:
        await signed_up(shopify, "eve@example.com", query=signed(shop, runtime))
    async with database.transaction(shop.id) as db:
        mine = await privacy.export(db, shop.id, [], shopify_id=66)
    assert {one["contact"] for one in mine["signups"]} == {"bob@example.com", "eve@example.com"}
    assert mine["customers"] == []
    headers, body = make_delivery(
        "customers/redact", {"shop_id": 1, "shop_domain": shop.domain, "customer": {"id": 66}}
    )
    assert (await stranger.post("/webhooks/shopify", content=body, headers=headers)).is_success
    await work_off.handler(run_of(runtime, shop), webhook_id=headers["X-Shopify-Webhook-Id"])
    left = [(row["contact"], row["variant_id"]) for row in await rows(database, shop, "signups")]
    assert left == [(ADA, VARIANT), (ADA, VARIANT + 1), ("bob@example.com", VARIANT + 2)]
    emails = {row["email"] for row in await rows(database, shop, "customers")}
    assert emails == {ADA, "bob@example.com"}


# What stands in an index is short

TOKENS = {"ascii": (33, 126, 2048), "cjk": (0x4E00, 0x9FA5, 682), "rare": (0x20000, 0x2A6D6, 512)}


@pytest.mark.parametrize("letters", TOKENS)
async def test_a_push_token_fits_into_an_index_or_is_refused(database, shop, stranger, letters):
    first, last, longest = TOKENS[letters]
    random = Random(7)  # noqa: S311 - it only must not be compressible
    for length, fits in ((longest, True), (longest + 1, False), (4096, False)):
        token = "".join(chr(random.randint(first, last)) for _ in range(length))
        body = form(push=token)
        body["intent"]["channel"] = "push"
        answer = await stranger.post("/api/v1/intents", json=body)
        assert answer.status_code == (201 if fits else 200), answer.text
        assert fits or "at most 2048 bytes" in answer.text
    assert [len(row["contact"]) for row in await rows(database, shop, "signups")] == [longest]


# The audit trail names nobody

PERSONAL = ("ada@example.com", "Lovelace", "14155552671", "2128675309", "secret-token", "777777")


async def test_the_audit_trail_holds_nothing_of_a_person(database, shop, stranger, merchant):
    for n, client in enumerate((stranger, merchant)):
        body = form(
            f"{n}ada@example.com", id="Lovelace ada@example.com", name="Ada Lovelace",
            phone="+14155552671", push="secret-token", shopify_customer_id=777777,
        )  # fmt: skip
        body["intent"]["source"] = "Lovelace 2128675309"
        answer = await client.post("/api/v1/intents", json=body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["intents"][0]["source"] == "Lovelace 2128675309"
    await merchant.post(
        "/api/v2/external/back_in_stock/signups",
        json={"channel": "sms", "shopify_variant_id": VARIANT, "phone": "+14155552671",
              "email": "ada@example.com", "name": "Ada Lovelace"},
    )  # fmt: skip
    await merchant.post(
        "/api/v2/external/back_in_stock/signups/unblock", json={"reason": "550 no ada@example.com"}
    )
    trail = await rows(database, shop, "audit_log")
    assert len(trail) == 4
    assert [one for one in PERSONAL if one in str(trail)] == []


# Variants and markets are the shop's


async def test_a_variant_is_the_shops_once_its_catalogue_is_whole(database, shop, stranger):
    await signed_up(stranger, number=999)
    async with database.transaction(shop.id) as db:
        await pulls.begin(db, shop.id, everything=False, overlap_minutes=60, now=utc_now())
    await signed_up(stranger, number=998)
    async with database.transaction(shop.id) as db:
        await pulls.finish(db, shop.id, utc_now())
    before = await rows(database, shop, "signups")
    for during in (False, True):
        assert "not a variant of this shop" in await refused(stranger, number=997)
        if not during:
            async with database.transaction(shop.id) as db:
                await pulls.begin(db, shop.id, everything=True, overlap_minutes=60, now=utc_now())
    assert await rows(database, shop, "signups") == before
    await signed_up(stranger, number=VARIANT)
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE variants SET deleted_at = now() WHERE id = $1", VARIANT + 1)
    assert "not a variant of this shop" in await refused(stranger, number=VARIANT + 1)


async def test_a_market_that_is_not_the_shops_is_none(database, shop, stranger, merchant):
    async with database.transaction(shop.id) as db:
        await markets.save_markets(
            db, shop.id, [Market(id=5, name="Europe", active=True, countries=("DE",))], {}
        )
    assert (await signed_up(stranger, market=5))["shopify_market_id"] == 5
    assert (await signed_up(stranger, market=6))["shopify_market_id"] is None
    for market in (7, None, 2**63 - 1):
        assert (
            await refused(stranger, market=market) == "You have already signed up for this product"
        )
    assert len(await rows(database, shop, "signups")) == 2
    assert (await signed_up(merchant, market=6))["shopify_market_id"] == 6


# How much they can set off


async def test_addresses_of_one_64_are_one_client(database, shop):
    app = app_of(runtime_of(database, address_points=10))
    statuses = []
    for n in range(8):
        app_address = (f"2001:db8:1:2:{n:x}::{n + 1:x}", 1234)
        statuses.append(await _status_from(app, shop, app_address))
    assert statuses == [200] * 5 + [429] * 3
    assert await _status_from(app, shop, ("2001:db8:1:3::1", 1)) == 200
    four = [
        await _status_from(app, shop, (one, 1)) for one in ("192.0.2.9", "::ffff:192.0.2.9") * 3
    ]
    assert four == [200] * 5 + [429]


async def _status_from(app, shop, address):
    transport = httpx.ASGITransport(app, client=address)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        answer = await client.post(
            "/api/v1/intents.json",
            json=form("nobody"),
            headers={"X-Shopify-Shop-Domain": shop.domain},
        )
    return answer.status_code


async def test_all_strangers_of_a_shop_have_an_end_and_nobody_else_has_it(database, shop, key):
    runtime = runtime_of(database, signup_points=20)
    app = app_of(runtime)
    statuses = [await _status_from(app, shop, (f"192.0.2.{n}", 1)) for n in range(12)]
    assert statuses == [200] * 10 + [429] * 2
    other = await make_shop(database, "other.myshopify.com")
    assert await _status_from(app, other, ("192.0.2.1", 1)) == 200
    async with client_of(app, key, base="") as merchant:
        await signed_up(merchant, number=1)
    headers, body = make_delivery("app/scopes_update", {"id": 1})
    async with client_of(app, base="") as shopify:
        assert (await shopify.post("/webhooks/shopify", content=body, headers=headers)).is_success
        cart = {"lines": [{"variant_id": 1, "quantity": 1}]}
        asked = await shopify.post(f"/api/storefront/preorders/check?shop={shop.domain}", json=cart)
        assert asked.status_code == 200, asked.text


async def test_a_visitor_whose_request_is_forwarded_cannot_spend_what_is_for_all(database, shop):
    runtime = runtime_of(database, signup_points=30, address_points=10)
    async with client_of(app_of(runtime), base="") as shopify:

        async def statuses(addresses, customer=""):
            return [
                (
                    await shopify.post(
                        "/api/v1/intents" + signed(shop, runtime, logged_in_customer_id=customer),
                        json=form("nobody"),
                        headers={"X-Forwarded-For": address} if address else {},
                    )
                ).status_code
                for address in addresses
            ]

        # The way from the platform to us adds its own.
        assert await statuses(["192.0.2.1, 198.51.100.1"] * 7) == [200] * 5 + [429] * 2
        assert await statuses([f"2001:db8::{n:x}" for n in range(7)]) == [200] * 5 + [429] * 2
        # Who is logged in is counted as the customer, from whatever address.
        assert await statuses(["192.0.2.1", "192.0.2.2"], "66") == [200] * 2
        assert await statuses([f"192.0.2.{n}" for n in range(9)], "66") == [200] * 3 + [429] * 6
        # And all together have an end, those with no address too.
        assert await statuses([None]) == [429]


async def test_one_address_cannot_spend_what_is_for_all(database, shop):
    app = app_of(runtime_of(database, signup_points=20, address_points=10))
    for _ in range(30):
        await _status_from(app, shop, ("192.0.2.1", 1))
    assert await _status_from(app, shop, ("192.0.2.2", 1)) == 200


# Keys of idempotency, and names of shops


async def test_a_strangers_idempotency_key_is_its_own(database, shop, stranger, merchant, app):
    once = {"Idempotency-Key": "order-1"}
    strangers = await signed_up(stranger, headers=once, name="Eve")
    mine = await signed_up(merchant, "bob@example.com", headers=once, name="Bob")
    assert mine["customer_name"] == "Bob"
    again = await merchant.post(
        "/api/v1/intents", json=form("bob@example.com", name="Bob"), headers=once
    )
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["intents"] == [mine]
    # The same request of the same stranger is answered again; another's is not.
    repeated = await stranger.post("/api/v1/intents", json=form(name="Eve"), headers=once)
    assert repeated.json()["intents"] == [strangers]
    other = await signed_up(stranger, "carl@example.com", headers=once)
    assert other["contact"] == "carl@example.com"
    async with client_of(app, base="") as elsewhere:
        elsewhere._transport.client = ("192.0.2.77", 1)
        elsewhere.headers["X-Shopify-Shop-Domain"] = shop.domain
        answer = await elsewhere.post("/api/v1/intents", json=form(name="Eve"), headers=once)
    assert "already signed up" in answer.text
    assert "idempotent-replayed" not in answer.headers


async def test_a_key_of_idempotency_belongs_to_a_key_and_a_face(database, shop, merchant, app):
    once = {"Idempotency-Key": "order-1"}
    path = "/api/v2/external/back_in_stock/signups"
    body = {"channel": "email", "shopify_variant_id": 1, "shopify_product_id": 2, "email": ADA}
    first = await merchant.post(path, json=body, headers=once)
    assert first.status_code == 202
    assert (await merchant.post(path, json=body | {"quantity": 2}, headers=once)).status_code == 422
    async with client_of(app, await make_key(database, shop), base="") as colleague:
        theirs = await colleague.post(path, json=body | {"email": "b@example.com"}, headers=once)
    assert (theirs.status_code, theirs.json()["contact"]) == (202, "b@example.com")
    await signed_up(merchant, "c@example.com", number=1, headers=once)


OTHERS = [
    "other.myshopify.com", " Other.MyShopify.com ", "https://other.myshopify.com/", "other.myshopify.com.",
    "http://other.myshopify.com:443/admin?x=1", "//other.myshopify.com", "a:b@other.myshopify.com/x",
]  # fmt: skip
PLACES = [
    "query", "shop", "shop_domain", "shopDomain", "myshopify-domain", "domain", "shopUrl", "nested",
    "list", "intent", "customer",
]  # fmt: skip


def naming(body, where, domain):
    """Have a body or a query name a shop; return the query."""
    if where == "nested":
        body["shop"] = {"myshopify_domain": domain, "name": "x"}
    elif where == "list":
        body["shop"] = [domain]
    elif where in body:
        body[where]["shop_domain"] = domain
    elif where != "query":
        body[where] = domain
    return f"?{urlencode({'shop': domain})}" if where == "query" else ""


@pytest.mark.parametrize("where", PLACES)
async def test_a_request_names_one_shop(database, shop, stranger, merchant, where):
    await make_shop(database, "other.myshopify.com")
    for client in (stranger, merchant):
        for domain, status in [*((one, 400) for one in OTHERS), (shop.domain.upper(), 201),
                               (f"https://{shop.domain}/admin", 201), ("www.brand.com", 201)]:  # fmt: skip
            before = await rows(database, shop, "signups")
            body = form(f"{len(before)}@example.com")
            query = naming(body, where, domain)
            answer = await client.post(f"/api/v1/intents{query}", json=body)
            assert answer.status_code == status, (domain, answer.text)
            made = len(await rows(database, shop, "signups")) - len(before)
            assert made == (status == 201)


async def test_a_shops_name_or_own_address_names_no_other(stranger):
    for n, said in enumerate(("Snowdevil", "snowdevil.example", {"name": "x"}, None, 7)):
        body = form(f"{n}@example.com") | {"shop": said}
        assert (await stranger.post("/api/v1/intents", json=body)).status_code == 201, said


async def test_a_keys_shop_is_the_headers(database, shop, merchant):
    await make_shop(database, "other.myshopify.com")
    other = {"X-Shopify-Shop-Domain": "other.myshopify.com"}
    answer = await merchant.post("/api/v1/intents", json=form(), headers=other)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "the request names two shops; name one, in X-Shopify-Shop-Domain"},
    )
    assert await rows(database, shop, "signups") == []
    # What is no domain of Shopify's cannot be compared.
    for said in ("www.brand.com", shop.domain.upper(), "", "x" * 1000):
        await signed_up(
            merchant, f"{len(said)}@example.com", headers={"X-Shopify-Shop-Domain": said}
        )


V2 = "/api/v2/external"
CALLED = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/intents", None),
        ("GET", "/api/v1/external/preorders.json", None),
        ("POST", "/api/v1/intents/bulk_notify_intent", {"intent_ids": []}),
        ("GET", f"{V2}/back_in_stock/signups", None),
        ("GET", f"{V2}/help", None),
        ("POST", f"{V2}/back_in_stock/signups", {}),
        ("POST", "/mcp", CALLED),
        ("POST", f"{V2}/mcp", CALLED),
    ],
)
async def test_every_face_with_a_key_takes_one_shop(database, merchant, method, path, body):
    async def ask(header=None, query="", **more):
        headers = {"X-Shopify-Shop-Domain": header} if header else {}
        sent = {} if body is None else {"json": body | more}
        return await merchant.request(method, path + query, headers=headers, **sent)

    def is_refused(answer):
        return answer.status_code == 400 and "names two shops" in answer.text

    for other in OTHERS[:3]:
        assert is_refused(await ask(header=other.strip()))
        assert is_refused(await ask(query="?" + urlencode({"shop": other})))
    if "/v1/" in path and body is not None:
        assert is_refused(await ask(shop_domain="other.myshopify.com"))
    for header in (None, "www.brand.com", "snowdevil.myshopify.com"):
        assert not is_refused(await ask(header=header))


async def test_a_storefronts_query_and_header_name_one_shop(database, shop, stranger):
    await make_shop(database, "other.myshopify.com")
    for path in ("/api/storefront/preorders", "/api/storefront/preorders/check"):
        asked = {"url": path, "params": {"shop": "other.myshopify.com"}}
        if path.endswith("check"):
            answer = await stranger.post(
                **asked, json={"lines": [{"variant_id": 1, "quantity": 1}]}
            )
        else:
            asked["params"]["variant_id"] = "1"
            answer = await stranger.get(**asked)
        assert answer.status_code == 400, answer.text
        assert "names two shops" in answer.text


# Asking to confirm


async def test_where_everybody_is_asked_a_stranger_is_told_so(database, shop, stranger, runtime):
    await set_settings(database, shop, {"compliance": {"optin_required": True}})
    intent = await signed_up(stranger)
    assert intent["optin_confirmed"] is False
    assert await asked_of(database, shop) == [{"signup_id": intent["id"]}]
    assert (
        await stranger.post(link(runtime, CONFIRM, shop.id, UUID(intent["id"])))
    ).status_code == 200
