"""Sign-ups that Shopify forwards, with its signature and whom it knows."""

from datetime import timedelta

from openstoq.back_in_stock.privacy import store as privacy
from openstoq.shops.inbound_webhooks.jobs import work_off
from tests.api.stranger_shop import (
    ADA,
    app,
    customer_of,
    form,
    merchant,
    runtime,
    signed,
    signed_up,
    stranger,
)
from tests.factories.apps import client_of
from tests.factories.catalogs import VARIANT
from tests.factories.deliveries import make_delivery
from tests.factories.fixtures import key, shop
from tests.factories.waitlists import rows, run_of

__all__ = ["app", "key", "merchant", "runtime", "shop", "stranger"]


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
