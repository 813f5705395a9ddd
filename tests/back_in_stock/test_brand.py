"""A shop's brand: stored, checked, and seen in every mail."""

from email import message_from_bytes, policy

import pytest

from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.back_in_stock.notifications.single_mails import send_optin_request
from openstoq.config import Mail, Security, Settings
from openstoq.messaging.brand import BLACK, WHITE, Brand, readable_on
from openstoq.messaging.port import EmailTransport
from openstoq.shops import store as shops
from openstoq.shops.senders import sender_of
from tests.factories.apps import client_of, make_app
from tests.factories.runtimes import KEY
from tests.factories.waitlists import (
    make_signup,
    restocking_runtime,
    run_of,
    set_settings,
    stock_becomes,
)

pytestmark = pytest.mark.usefixtures("sold_out")

PATH = "/back_in_stock/brand"
MINE = {
    "logo_url": "https://cdn.test/logo.png",
    "logo_width": 180,
    "button_color": "#FFD400",
    "background_color": "#102030",
    "footer": "Snowdevil <GmbH>\n1 Piste Road",
    "sender": "Alerts@Snowdevil.example",
    "sender_name": "Team Snowdevil",
    "reply_to": "help@snowdevil.example",
}


async def change(client, status=202, **body):
    answer = await client.patch(PATH, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def alert_of(database, runtime, shop, relay):
    await make_signup(database, shop)
    (wave_id,) = await stock_becomes(runtime, shop, 5, 2)
    await send_wave.handler(run_of(runtime, shop), wave_id=wave_id)
    (email,) = relay.taken
    return email, message_from_bytes(email.content, policy=policy.default)


async def test_a_brand_is_seen_in_an_alert(client, database, runtime, shop, relay):
    stored = await change(client, **MINE)
    assert stored == (await client.get(PATH)).json()
    assert stored["sender"] == "alerts@snowdevil.example"
    email, message = await alert_of(database, runtime, shop, relay)
    assert email.sender == "alerts@snowdevil.example"
    assert message["From"] == "Team Snowdevil <alerts@snowdevil.example>"
    assert message["Reply-To"] == "help@snowdevil.example"
    html, text = (message.get_body((kind,)).get_content() for kind in ("html", "plain"))
    assert '<img src="https://cdn.test/logo.png" width="180"' in html
    assert 'bgcolor="#FFD400"' in html
    assert f"font-weight:700;color:{BLACK};" in html
    assert "background-color:#102030" in html
    assert "Snowdevil &lt;GmbH&gt;<br />\r\n1 Piste Road" in html
    assert "Snowdevil <GmbH>\r\n1 Piste Road" in text


async def test_without_a_brand_a_mail_comes_from_the_installation(database, runtime, shop, relay):
    email, message = await alert_of(database, runtime, shop, relay)
    assert email.sender == runtime.settings.mail.sender
    assert message["From"] == f"snowdevil <{runtime.settings.mail.sender}>"
    html = message.get_body(("html",)).get_content()
    assert "logo" not in html.partition("</style>")[2]


async def test_the_mail_that_asks_to_confirm_has_the_brand(client, database, runtime, shop, relay):
    await set_settings(database, shop, {"compliance": {"optin_required": True}})
    await change(client, **MINE)
    signup_id = await make_signup(database, shop, vouched=False)
    await send_optin_request.handler(run_of(runtime, shop), signup_id=signup_id)
    (email,) = relay.taken
    message = message_from_bytes(email.content, policy=policy.default)
    assert email.sender == "alerts@snowdevil.example"
    assert message["From"] == "Team Snowdevil <alerts@snowdevil.example>"
    assert message["Reply-To"] == "help@snowdevil.example"
    html = message.get_body(("html",)).get_content()
    assert "logo.png" in html
    assert 'bgcolor="#FFD400"' in html
    assert "1 Piste Road" in html


async def test_null_and_an_empty_text_clear_a_value(client):
    await change(client, **MINE)
    cleared = await change(client, logo_url=None, sender="", button_color="", footer=None)
    assert (cleared["logo_url"], cleared["sender"], cleared["button_color"]) == (None, None, None)
    assert cleared["sender_name"] == "Team Snowdevil"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("logo_url", "http://cdn.test/logo.png", "must begin with https://"),
        ("logo_url", "javascript:alert(1)", "must begin with https://"),
        ("logo_url", 'https://x/"onerror=alert(1)', None),
        ("logo_width", 4000, "logo_width must be"),
        ("button_color", "red", "must be a color such as #1A2B3C"),
        ("button_color", "#fff;}", "must be a color such as #1A2B3C"),
        ("background_color", "#12345", "must be a color such as #1A2B3C"),
        ("sender", "nobody", "sender"),
        ("sender", "a@b.example, c@d.example", "sender"),
        ("sender", "a@b.example\r\nBcc: c@d.example", "sender"),
        ("reply_to", "käse@b.example", "in ASCII"),
        ("sender_name", "a\nb", "sender_name"),
        ("colour", "#123456", "not a known field"),
    ],
)
async def test_what_would_not_work_in_a_mail_is_refused(client, field, value, said):
    if said is None:
        stored = await change(client, **{field: value})
        assert '"' not in stored[field]
        return
    refused = await change(client, 422, **{field: value})
    assert said in refused["errors"][0]
    assert (await client.get(PATH)).json() == Brand().model_dump()


async def test_an_operator_says_which_domains_shops_may_send_from(
    database, watch, relay, shop, key
):
    mail = Mail(sender_domains="snowdevil.example, other.example")
    runtime = restocking_runtime(
        database,
        watch,
        ports={EmailTransport: relay},
        settings=Settings(security=Security(key=KEY), mail=mail),
    )
    async with client_of(make_app(runtime), key) as client:
        refused = await change(client, 422, sender="ceo@bank.example")
        assert refused["errors"][0].startswith("sender must be an address of a domain")
        assert "snowdevil.example, other.example" in refused["errors"][0]
        await change(client, sender="shop@Snowdevil.example")
    async with database.transaction(shop.id) as db:
        branded = await shops.load(db, shop.id)
    assert sender_of(mail, branded) == "shop@snowdevil.example"
    # A domain that is withdrawn later is not used any more.
    assert sender_of(Mail(sender_domains="other.example"), branded) == mail.sender


async def test_a_stored_brand_that_cannot_be_read_stops_no_mail(database, runtime, shop, relay):
    async with database.transaction(shop.id) as db:
        await db.execute(
            "UPDATE shops SET brand = $1", '{"button_color": 7, "footer": "Ours", "new": true}'
        )
    _, message = await alert_of(database, runtime, shop, relay)
    assert "Ours" in message.get_body(("plain",)).get_content()


@pytest.mark.parametrize(
    ("color", "text"),
    [("#ffffff", BLACK), ("#000000", WHITE), ("#FFD400", BLACK), ("#0a5c36", WHITE),
     ("#ff6600", BLACK), ("#1A2B3C", WHITE)],
)  # fmt: skip
def test_the_text_on_a_button_can_be_read(color, text):
    assert readable_on(color) == text
