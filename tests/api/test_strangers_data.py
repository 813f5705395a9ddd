"""What is kept of strangers: short enough for an index, and nobody in the audit trail; variants and markets are the shop's."""

from datetime import timedelta
from random import Random

import pytest

from openstoq.catalog import markets, pulls
from openstoq.commerce.orders import Market
from openstoq.kernel.clock import utc_now
from tests.api.stranger_shop import app, form, merchant, runtime, signed_up, stranger
from tests.factories.catalogs import VARIANT
from tests.factories.fixtures import key, shop
from tests.factories.waitlists import rows

__all__ = ["app", "key", "merchant", "runtime", "shop", "stranger"]


async def refused(client, *arguments, **fields):
    answer = await client.post("/api/v1/intents", json=form(*arguments, **fields))
    assert (answer.status_code, list(answer.json())) == (200, ["errors"]), answer.text
    return " ".join(answer.json()["errors"])


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
        await pulls.begin(
            db, shop.id, everything=False, overlap=timedelta(minutes=60), now=utc_now()
        )
    await signed_up(stranger, number=998)
    async with database.transaction(shop.id) as db:
        await pulls.finish(db, shop.id, utc_now())
    before = await rows(database, shop, "signups")
    for during in (False, True):
        assert "not a variant of this shop" in await refused(stranger, number=997)
        if not during:
            async with database.transaction(shop.id) as db:
                await pulls.begin(
                    db, shop.id, everything=True, overlap=timedelta(minutes=60), now=utc_now()
                )
    assert await rows(database, shop, "signups") == before
    await signed_up(stranger, number=VARIANT)
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE variants SET deleted_at = now() WHERE id = $1", VARIANT + 1)
    assert "not a variant of this shop" in await refused(stranger, number=VARIANT + 1)


async def test_a_market_that_is_not_the_shops_is_refused(database, shop, stranger, merchant):
    assert (await signed_up(stranger, "eve@example.com", market=6))["shopify_market_id"] is None
    async with database.transaction(shop.id) as db:
        await markets.save_markets(
            db, shop.id, [Market(id=5, name="Europe", active=True, countries=("DE",))], {}
        )
    assert (await signed_up(stranger, market=5))["shopify_market_id"] == 5
    for caller in (stranger, merchant):
        for market in (6, 2**63 - 1):
            told = await refused(caller, market=market)
            assert told.startswith("intent.shopify_market_id is not a market of this shop")
        told = await refused(caller, shopify_market_id=6)
        assert told.startswith("customer.shopify_market_id is not a market of this shop")
    assert len(await rows(database, shop, "signups")) == 2
