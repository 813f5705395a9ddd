"""The waitlist through API v2, as its documents describe it."""

import pytest

from openstoq.back_in_stock.signups import store
from openstoq.back_in_stock.signups.model import SignupView
from openstoq.jobs.queue import waiting_arguments
from openstoq.kernel.ids import new_id
from tests.back_in_stock.asking import SIGNUPS, contacts, errors, listed
from tests.factories.catalogs import PRODUCT, VARIANT, product, save, seconds_after_noon, variant
from tests.factories.waitlists import make_signup, rows

pytestmark = pytest.mark.usefixtures("sold_out")

ADA = {"channel": "email", "shopify_variant_id": VARIANT, "email": "ada@example.com"}


async def created(client, **changes):
    answer = await client.post(SIGNUPS, json=ADA | changes)
    assert answer.status_code == 202, answer.text
    return SignupView.model_validate(answer.json(), strict=False)


# Create


async def test_a_signup_says_everything(client):
    signup = await created(client, name="Ada Lovelace", quantity=3)
    assert (signup.status, signup.channel, signup.contact) == (
        "pending", "email", "ada@example.com",
    )  # fmt: skip
    assert (signup.quantity, signup.notifications_sent, signup.last_notified_at) == (3, 0, None)
    assert signup.variant.model_dump() == {
        "shopify_variant_id": VARIANT,
        "shopify_product_id": PRODUCT,
        "title": "Blue / 154",
    }
    assert (signup.customer.email, signup.customer.name) == ("ada@example.com", "Ada Lovelace")
    assert (signup.optin.required, signup.optin.confirmed) == (False, True)
    assert (signup.sync.state, signup.sync.error) == ("synced", None)
    read = await client.get(f"{SIGNUPS}/{signup.id}")
    assert SignupView.model_validate_json(read.content) == signup


async def test_the_same_contact_waits_once(database, client, shop):
    await created(client)
    again = await client.post(SIGNUPS, json=ADA | {"email": " ADA@Example.com"})
    assert "waits for this variant" in errors(again, 409)
    assert len(await rows(database, shop, "signups")) == 1


async def test_another_channel_variant_or_market_is_no_duplicate(database, client, shop):
    await created(client)
    await created(client, channel="sms", phone="14155552671")
    await created(client, shopify_variant_id=VARIANT + 1, shopify_product_id=PRODUCT)
    await make_signup(database, shop, market_id=5)
    assert len(await rows(database, shop, "signups")) == 4


@pytest.mark.parametrize("column", ["notified_at", "unsubscribed_at", "blocked_at"])
async def test_who_waits_no_longer_may_sign_up_again(database, client, shop, column):
    await make_signup(database, shop, **{column: seconds_after_noon(-1)})
    await created(client)


async def test_signing_up_again_ends_an_unsubscription(database, client, shop):
    await make_signup(database, shop, unsubscribed_at=seconds_after_noon(-1))
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE customers SET unsubscribed_at = $1", seconds_after_noon(-1))
    await created(client)
    (customer,) = await rows(database, shop, "customers")
    assert customer["unsubscribed_at"] is None


async def test_a_form_does_not_end_an_unsubscription_until_it_is_confirmed(database, shop):
    await make_signup(database, shop, unsubscribed_at=seconds_after_noon(-1))
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE customers SET unsubscribed_at = $1", seconds_after_noon(-30))
    signup_id = await make_signup(database, shop, seconds=0, vouched=False)
    async with database.transaction(shop.id) as db:
        (signup,) = await store.load(db, shop.id, [signup_id], lock=False)
    (customer,) = await rows(database, shop, "customers")
    assert (signup.optin_required, signup.optin_confirmed_at) == (True, None)
    assert customer["unsubscribed_at"] == seconds_after_noon(-30)
    async with database.transaction(shop.id) as db:
        assert await store.confirm(db, shop.id, signup_id, seconds_after_noon(5)) is True
        assert await store.confirm(db, shop.id, new_id(), seconds_after_noon(5)) is False
    (customer,) = await rows(database, shop, "customers")
    assert customer["unsubscribed_at"] is None


async def test_confirming_does_not_end_a_later_unsubscription(database, shop):
    signup_id = await make_signup(database, shop)
    async with database.transaction(shop.id) as db:
        await store.unsubscribe(db, shop.id, signup_id, seconds_after_noon(0))
        await store.confirm(db, shop.id, signup_id, seconds_after_noon(5))
    (customer,) = await rows(database, shop, "customers")
    assert customer["unsubscribed_at"] == seconds_after_noon(0)


async def test_a_refused_duplicate_changes_no_customer(database, client, shop):
    await created(client, name="Ada")
    errors(await client.post(SIGNUPS, json=ADA | {"name": "Eve"}), 409)
    (customer,) = await rows(database, shop, "customers")
    assert customer["name"] == "Ada"


async def test_the_product_is_taken_from_the_catalogue(client):
    signup = await created(client, shopify_product_id=PRODUCT + 7)
    assert signup.variant.shopify_product_id == PRODUCT


async def test_of_an_unknown_variant_the_product_is_needed(database, client, shop):
    answer = await client.post(SIGNUPS, json=ADA | {"shopify_variant_id": 999})
    assert "shopify_product_id is required" in errors(answer, 422)
    assert await rows(database, shop, "customers") == []
    signup = await created(client, shopify_variant_id=999, shopify_product_id=998)
    assert signup.variant.model_dump() == {
        "shopify_variant_id": 999,
        "shopify_product_id": 998,
        "title": None,
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"email": None}, "email is required"),
        ({"email": "ada"}, "email is not valid"),
        ({"channel": "sms"}, "phone is required"),
        ({"channel": "sms", "phone": "12"}, "phone is not valid"),
        ({"channel": "push"}, "channel"),
        ({"channel": None}, "channel"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": "many"}, "quantity"),
        ({"shopify_variant_id": "gid://shopify/Nothing"}, "shopify_variant_id"),
        (
            {"shopify_variant_id": "gid://shopify/InventoryItem/1"},
            "shopify_variant_id must be the id of a ProductVariant",
        ),
        ({"shopify_variant_id": 2**63}, "shopify_variant_id"),
        ({"colour": "blue"}, "colour"),
        ({"name": "a\x00b"}, "name"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_written(database, client, shop, changes, words):
    assert words in errors(await client.post(SIGNUPS, json=ADA | changes), 422)
    assert await rows(database, shop, "signups") == []
    assert await rows(database, shop, "customers") == []


@pytest.mark.parametrize("form", [VARIANT, str(VARIANT), f"gid://shopify/ProductVariant/{VARIANT}"])
async def test_an_id_may_be_sent_in_three_forms(client, form):
    assert (await created(client, shopify_variant_id=form)).variant.shopify_variant_id == VARIANT


async def test_where_optin_is_required_the_shopper_is_asked(database, client, shop):
    changed = await client.patch(
        "/back_in_stock/settings/compliance", json={"optin_required": True}
    )
    assert changed.status_code in {200, 202}, changed.text
    signup = await created(client)
    assert (signup.optin.required, signup.optin.confirmed) == (True, False)
    async with database.transaction(shop.id) as db:
        asked = await waiting_arguments(db, shop.id, "back_in_stock.mails.send_optin_request")
    assert asked == [{"signup_id": str(signup.id)}]
    notified = await client.post(f"{SIGNUPS}/{signup.id}/notify", json={})
    assert "not confirmed" in errors(notified, 409)


# List


async def test_newest_come_first_in_pages(database, client, shop):
    for n in range(5):
        await make_signup(database, shop, f"{n}@example.com", seconds=n)
    first = await listed(client, per_page=2)
    assert [signup.contact[0] for signup in first.signups] == ["4", "3"]
    assert first.meta.model_dump() == {
        "total_count": 5, "page": 1, "per_page": 2, "total_pages": 3,
    }  # fmt: skip
    assert [one[0] for one in await contacts(client, per_page=2, page=3)] == ["0"]
    beyond = await listed(client, per_page=2, page=4)
    assert (beyond.signups, beyond.meta.total_count) == ([], 5)


async def test_status_is_one_lifecycle_value(database, client, shop):
    states = {
        "pending": {},
        "notified": {"notified_at": seconds_after_noon(1), "blocked_at": seconds_after_noon(2)},
        "unsubscribed": {
            "unsubscribed_at": seconds_after_noon(3),
            "notified_at": seconds_after_noon(1),
            "blocked_at": seconds_after_noon(2),
        },
        "blocked": {"blocked_at": seconds_after_noon(2)},
    }
    for name, columns in states.items():
        await make_signup(database, shop, f"{name}@example.com", **columns)
    for name in states:
        page = await listed(client, status=name)
        assert [(one.contact, one.status) for one in page.signups] == [
            (f"{name}@example.com", name)
        ]


async def test_lists_are_of_a_channel_variant_or_product(database, client, shop):
    await save(
        database, shop, product(variant(), variant(VARIANT + 1), updated_at=seconds_after_noon(1))
    )
    await make_signup(database, shop)
    await make_signup(database, shop, "14155552671", channel="sms", variant_id=VARIANT + 1)
    assert await contacts(client, channel="sms") == ["+14155552671"]
    assert await contacts(client, channel="push") == []
    assert await contacts(client, variant_id=VARIANT) == ["ada@example.com"]
    gid = f"gid://shopify/ProductVariant/{VARIANT + 1}"
    assert await contacts(client, variant_id=gid) == ["+14155552671"]
    assert len(await contacts(client, product_id=PRODUCT)) == 2
    assert await contacts(client, product_id=PRODUCT + 1) == []


async def test_parts_of_a_contact_find_it(database, client, shop):
    for contact in ("a_b@example.com", "axb@example.com", "a%b@example.org"):
        await make_signup(database, shop, contact)
    await make_signup(database, shop, "14155552671", channel="sms")
    assert sorted(await contacts(client, email="EXAMPLE.com")) == [
        "a_b@example.com",
        "axb@example.com",
    ]
    assert await contacts(client, email="a_b") == ["a_b@example.com"]
    assert await contacts(client, email="%") == ["a%b@example.org"]
    assert await contacts(client, email="\\") == []
    assert len(await contacts(client, email="")) == len(await contacts(client))
    assert await contacts(client, phone="5552671") == ["+14155552671"]
    assert await contacts(client, phone="+1415") == ["+14155552671"]


async def test_parts_of_the_customers_contact_find_a_signup(database, client, shop):
    await make_signup(database, shop, "14155552671", channel="sms")
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE customers SET email = 'ada@example.com'")
    assert await contacts(client, email="ada@") == ["+14155552671"]


@pytest.mark.parametrize("email", ["idn@bücher.example", "IDN@xn--bcher-kva.example"])
async def test_an_international_address_is_found_in_either_form(client, email):
    await created(client, email="idn@bücher.example")
    assert await contacts(client, email=email) == ["idn@xn--bcher-kva.example"]


async def test_from_and_to_are_both_inclusive(database, client, shop):
    for n, seconds in enumerate((-86_400, 0, 43_199, 43_200)):
        await make_signup(database, shop, f"{n}@example.com", seconds=seconds)

    async def found(**query):
        return sorted(one[0] for one in await contacts(client, **query))

    # Noon of the first of July: the day before, the day itself twice, the next midnight.
    assert await found(**{"from": "2026-07-01", "to": "2026-07-01"}) == ["1", "2"]
    assert await found(**{"from": "2026-07-02"}) == ["3"]
    assert await found(to="2026-06-30") == ["0"]
    assert await found(**{"from": "2026-07-01T12:00:00Z", "to": "2026-07-01T23:59:59Z"}) == [
        "1", "2",
    ]  # fmt: skip
    assert await found(**{"from": "2026-07-01T14:00:00+02:00", "to": "2026-07-01T12:00:00Z"}) == [
        "1"
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "gone"}, {"channel": "fax"}, {"page": 0}, {"per_page": 201}, {"page": "x"},
        {"variant_id": "x"}, {"from": "yesterday"}, {"nonsense": 1},
    ],
)  # fmt: skip
async def test_a_filter_that_makes_no_sense_is_refused(client, query):
    assert next(iter(query)) in errors(await client.get(SIGNUPS, params=query), 422)


# Delete


async def test_a_pending_signup_is_deleted(database, client, shop):
    signup_id = await make_signup(database, shop)
    answer = await client.delete(f"{SIGNUPS}/{signup_id}")
    assert answer.json() == {"id": str(signup_id), "deleted": True}
    assert (await client.get(f"{SIGNUPS}/{signup_id}")).status_code == 404
    assert await rows(database, shop, "signups") == []


@pytest.mark.parametrize("column", ["notified_at", "wave_id"])
async def test_a_notified_signup_has_blocks(database, client, shop, column):
    value = seconds_after_noon(1) if column == "notified_at" else new_id()
    signup_id = await make_signup(database, shop, **{column: value})
    errors(await client.delete(f"{SIGNUPS}/{signup_id}"), 409)
    assert len(await rows(database, shop, "signups")) == 1


async def test_bulk_delete_is_all_or_nothing(database, client, shop):
    told = await make_signup(database, shop, "told@example.com", notified_at=seconds_after_noon(1))
    ids = [await make_signup(database, shop, f"{n}@example.com") for n in range(3)]
    body = {"signup_ids": [str(one) for one in (*ids, told)]}
    refused = errors(await client.post(f"{SIGNUPS}/bulk_delete", json=body), 422)
    assert str(told) in refused
    assert not any(str(one) in refused for one in ids)
    assert len(await rows(database, shop, "signups")) == 4
    body = {"signup_ids": [str(one) for one in (*ids, ids[0])]}
    answer = await client.post(f"{SIGNUPS}/bulk_delete", json=body)
    assert answer.json() == {"deleted_count": 3}
    assert [row["id"] for row in await rows(database, shop, "signups")] == [told]


@pytest.mark.parametrize("signup_ids", [[], ["x"], None, [str(new_id())] * 1001])
async def test_bulk_calls_take_one_to_a_thousand_ids(client, signup_ids):
    for name in ("bulk_delete", "bulk_notify"):
        answer = await client.post(f"{SIGNUPS}/{name}", json={"signup_ids": signup_ids})
        assert "signup_ids" in errors(answer, 422)


# Notify
