"""The links in mails: a GET asks, a POST acts, and nobody can make one up."""

from uuid import UUID

import pytest

from openstoq.back_in_stock.notifications.links import CONFIRM, UNSUBSCRIBE, link
from openstoq.kernel.ids import new_id
from openstoq.web.storefront import links
from tests.factories.apps import client_of, make_app

SIGNUPS = "/api/v2/external/back_in_stock/signups"


@pytest.fixture
def app(runtime):
    return make_app(runtime, routes=links.routes(runtime))


@pytest.fixture
async def shopper(app):
    async with client_of(app, base="") as opened:
        yield opened


@pytest.fixture
async def signup_id(app, key):
    async with client_of(app, key, base="") as merchant:
        body = {
            "channel": "email",
            "shopify_variant_id": 1,
            "shopify_product_id": 2,
            "email": "ana@example.com",
        }
        settings = "/api/v2/external/back_in_stock/settings/compliance"
        await merchant.patch(settings, json={"optin_required": True})
        return UUID((await merchant.post(SIGNUPS, json=body)).json()["id"])


async def state(app, key, signup_id):
    async with client_of(app, key, base="") as merchant:
        signup = (await merchant.get(f"{SIGNUPS}/{signup_id}")).json()
        return signup["status"], signup["optin"]["confirmed"]


@pytest.mark.parametrize(
    ("purpose", "outcome"),
    [(UNSUBSCRIBE, ("unsubscribed", False)), (CONFIRM, ("pending", True))],
)
async def test_a_get_asks_and_a_post_acts(
    app, runtime, shop, key, shopper, signup_id, purpose, outcome
):
    address = link(runtime, purpose, shop.id, signup_id)
    asked = await shopper.get(address)
    assert (asked.status_code, asked.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert shop.name in asked.text
    assert "<button" in asked.text
    assert await state(app, key, signup_id) == ("pending", False)
    # The body of RFC 8058's one-click request; a person's form sends none.
    for body in ({"List-Unsubscribe": "One-Click"}, {}):
        done = await shopper.post(address, data=body)
        assert done.status_code == 200
        assert "<button" not in done.text
    assert await state(app, key, signup_id) == outcome


async def test_nobody_can_make_a_link_up(app, runtime, shop, key, shopper, signup_id):
    address = link(runtime, UNSUBSCRIBE, shop.id, signup_id)
    token = address.rpartition("/")[2]
    wrong = [
        f"/unsubscribe/{token[:-4]}AAAA",
        f"/unsubscribe/{token[:20]}",
        "/unsubscribe/%00",
        "/unsubscribe/" + "A" * 3000,
        f"/confirm/{token}",
        link(runtime, UNSUBSCRIBE, new_id(), signup_id),
    ]
    for one in wrong:
        assert (await shopper.get(one)).status_code == 404, one
        assert (await shopper.post(one)).status_code == 404, one
    assert await state(app, key, signup_id) == ("pending", False)


async def test_a_deleted_signup_is_said_to_be_gone(app, runtime, shop, shopper):
    answer = await shopper.post(link(runtime, UNSUBSCRIBE, shop.id, new_id()))
    assert (answer.status_code, "deleted" in answer.text) == (200, True)
