"""Sign-ups without a key: what strangers are told, and what they change."""

from uuid import UUID

import pytest

from openstoq.back_in_stock.notifications.links import UNSUBSCRIBE, link
from openstoq.back_in_stock.notifications.single_mails import ask_returned
from tests.api.stranger_shop import (
    OWN,
    app,
    asked_of,
    customer_of,
    form,
    merchant,
    runtime,
    signed_up,
    stranger,
)
from tests.factories.catalogs import VARIANT
from tests.factories.fixtures import key, shop
from tests.factories.waitlists import rows, run_of

__all__ = ["app", "key", "merchant", "runtime", "shop", "stranger"]

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
