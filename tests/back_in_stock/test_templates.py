"""A shop's own templates: stored, shown, tried out, and used in the mails that go out."""

import json
from email import message_from_bytes, policy

import pytest
from structlog.testing import capture_logs

from openstoq.back_in_stock.notifications.jobs import send_wave
from openstoq.back_in_stock.notifications.single_mails import send_optin_request
from openstoq.back_in_stock.templates import jobs
from openstoq.back_in_stock.templates.actions import MOST_OF_A_SHOP, MOST_TO_A_MAILBOX
from openstoq.kernel.ids import new_id
from openstoq.messaging.bounded_liquid import FILTERS
from openstoq.messaging.compose import LANGUAGES
from openstoq.shops.seal import Seal
from tests.factories.catalogs import VARIANT
from tests.factories.runtimes import KEY
from tests.factories.shops import make_shop
from tests.factories.waitlists import make_signup, rows, run_of, set_settings, stock_becomes

pytestmark = pytest.mark.usefixtures("sold_out")

PATH = "/back_in_stock/templates"
LINK = "{{ unsubscribe_url }}"


@pytest.fixture(autouse=True)
async def rich(database, shop):
    """A shop whose points do not run out during the test."""
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET rate_points = 1000000")


async def set_parts(client, status=202, **body):
    answer = await client.post(f"{PATH}/set", json={"template": "alert"} | body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def stored(client):
    """The shop's own templates of all messages."""
    return [
        one for message in (await client.get(PATH)).json()["templates"] for one in message["own"]
    ]


async def alert_of(runtime, shop, relay):
    (wave_id,) = await stock_becomes(runtime, shop, 5, 2)
    await send_wave.handler(run_of(runtime, shop), wave_id=wave_id)
    return relay.taken


def parsed(email):
    return message_from_bytes(email.content, policy=policy.default)


def part(email, kind):
    return parsed(email).get_body((kind,)).get_content()


async def test_the_list_has_everything_that_a_template_may_use(client):
    (alert, optin) = (await client.get(PATH)).json()["templates"]
    assert (alert["channel"], alert["template"], alert["own"]) == ("email", "alert", [])
    assert alert["parts"] == ["subject", "text", "html"]
    assert {"product_title", "texts.button", "brand.footer", "greeting"} <= {*alert["variables"]}
    assert {"confirm_url", "texts.reason"} <= {*optin["variables"]}
    assert "unsubscribe_url" not in optin["variables"]
    whole = (await client.get(PATH)).json()
    assert whole["filters"] == list(FILTERS)
    assert whole["languages"] == list(LANGUAGES)
    assert set(LANGUAGES) == {"en", "fr", "de", "es", "it", "nl", "pt", "ja"}


async def test_a_stored_template_is_in_the_mails_of_its_language(
    client, database, runtime, shop, relay
):
    await set_parts(client, locale="de", subject="{{ product_title }}!", text=f"Servus {LINK}")
    await make_signup(database, shop, "de@example.com", locale="de-AT")
    await make_signup(database, shop, "en@example.com", locale="en")
    sent = {email.recipient: email for email in await alert_of(runtime, shop, relay)}
    assert parsed(sent["de@example.com"])["Subject"] == "Snowboard!"
    assert part(sent["de@example.com"], "plain").startswith("Servus http")
    assert "Jetzt kaufen" in part(sent["de@example.com"], "html")
    assert parsed(sent["en@example.com"])["Subject"] == "Back in stock: Snowboard"


async def test_a_template_for_every_language_says_our_sentences_in_each(
    client, database, runtime, shop, relay
):
    await set_parts(client, text=f"* {{{{ texts.button }}}} {LINK}")
    await set_parts(client, locale="fr", text=f"Oui {LINK}")
    for locale in ("de", "ja", "fr"):
        await make_signup(database, shop, f"{locale}@example.com", locale=locale)
    sent = {email.recipient: email for email in await alert_of(runtime, shop, relay)}
    said = {who: part(email, "plain").split(" http")[0] for who, email in sent.items()}
    assert said == {
        "de@example.com": "* Jetzt kaufen",
        "ja@example.com": "* 購入する",
        "fr@example.com": "Oui",
    }


async def test_parts_are_stored_shown_and_removed_one_by_one(client):
    shown = await set_parts(client, locale="pt_BR", subject="Um\r\n", text=f"Dois {LINK}")
    assert shown["locale"] == "pt-BR"
    assert shown["parts"]["subject"] == {"source": "Um\n", "is_own": True, "locale": "pt-BR"}
    assert shown["parts"]["html"]["is_own"] is False
    assert "{{ product_title }}" in shown["parts"]["html"]["source"]
    assert (await client.get(f"{PATH}/source?template=alert&locale=pt-BR")).json() == shown
    of_portugal = await client.get(f"{PATH}/source?template=alert&locale=pt")
    assert of_portugal.json()["parts"]["subject"]["is_own"] is False
    own = await stored(client)
    assert [(one["locale"], one["part"]) for one in own] == [
        ("pt-BR", "subject"),
        ("pt-BR", "text"),
    ]
    gone = {"template": "alert", "locale": "pt-BR", "part": "subject"}
    left = (await client.post(f"{PATH}/unset", json=gone)).json()
    assert [name for name, one in left["parts"].items() if one["is_own"]] == ["text"]
    left = (await client.post(f"{PATH}/unset", json=gone | {"part": None})).json()
    assert [name for name, one in left["parts"].items() if one["is_own"]] == []


async def test_our_own_templates_can_be_stored_as_they_are(client):
    for template in ("alert", "optin"):
        shown = (await client.get(f"{PATH}/source?template={template}")).json()
        ours = {name: one["source"] for name, one in shown["parts"].items()}
        await set_parts(client, template=template, **ours)


async def test_all_problems_of_all_parts_are_told_and_nothing_is_stored(client):
    body = {
        "subject": "{{ product.title }}",
        "text": "no link",
        "html": "{{ price | money }}{% render 'x' %}",
    }
    said = (await set_parts(client, status=422, **body))["errors"]
    assert [one.split()[0] for one in said] == ["subject", "text", "html"]
    for path in ("set", "preview"):
        answer = await client.post(f"{PATH}/{path}", json={"template": "alert", **body})
        assert answer.json()["errors"] == said
    assert await stored(client) == []
    said = (await set_parts(client, status=422, locale="tlh-x!", subject="x"))["errors"]
    assert said == ["locale tlh-x! is not a known language; write it like fr or pt-BR"]
    said = (await set_parts(client, status=422))["errors"]
    assert said == ["send at least one of subject, text and html"]


async def test_a_preview_shows_a_product_of_the_shop_or_a_sample(client):
    answer = await client.post(f"{PATH}/preview", json={"template": "alert", "locale": "es"})
    assert answer.status_code == 200
    sample = answer.json()
    assert sample["product"] == {"title": "Trail Jacket", "shopify_variant_id": None}
    assert sample["subject"] == "De nuevo disponible: Trail Jacket"
    assert "Comprar ahora" in sample["text"]
    assert "<!DOCTYPE html>" in sample["html"]
    body = {
        "template": "alert",
        "shopify_variant_id": VARIANT,
        "subject": "{{ product_title }}, {{ variant_title }} for {{ name }}",
    }
    real = (await client.post(f"{PATH}/preview", json=body)).json()
    assert real["subject"] == "Snowboard, Blue / 154 for Ada"
    assert real["product"] == {"title": "Snowboard", "shopify_variant_id": VARIANT}
    assert "https://cdn.test/blue.png" in real["html"]
    assert real["problems"] == []
    assert await stored(client) == []
    unknown = await client.post(
        f"{PATH}/preview", json={"template": "alert", "shopify_variant_id": 99}
    )
    assert unknown.status_code == 422
    assert "not a variant of this shop" in unknown.text
    optin = (await client.post(f"{PATH}/preview", json={"template": "optin"})).json()
    assert optin["subject"] == "Please confirm: tell you when Trail Jacket is back?"


async def fails_later(database, shop, source, locale="", name="text", purpose="alert"):
    """Store a template that was not refused, as one of an older release might be."""
    async with database.transaction(shop.id) as db:
        await db.execute(
            "INSERT INTO message_templates (shop_id, channel, purpose, locale, part, source, "
            "updated_at) VALUES ($1, 'email', $2, $3, $4, $5, now())",
            shop.id,
            purpose,
            locale,
            name,
            source,
        )


async def test_a_template_that_fails_stops_no_wave_and_is_logged_once(
    client, database, runtime, shop, relay
):
    await fails_later(database, shop, "{{ gone }}")
    await fails_later(database, shop, "{% if name == 'Eve' %}{{ gone }}{% endif %}Hi", name="html")
    for n in range(1, 6):
        await make_signup(database, shop, f"ada{n}@example.com", name="Eve" if n == 3 else "Ada")
    with capture_logs() as logs:
        (wave_id,) = await stock_becomes(runtime, shop, 5, 2)
        await send_wave.handler(run_of(runtime, shop), wave_id=wave_id)
        await make_signup(database, shop, "late@example.com")
        async with database.transaction(shop.id) as db:
            await db.execute("UPDATE waves SET finished_at = NULL, ended_by = NULL")
        await send_wave.handler(run_of(runtime, shop), wave_id=wave_id)
    assert len(relay.taken) == 6
    assert all("Shop now" in part(email, "plain") for email in relay.taken)
    whole = {email.recipient for email in relay.taken if "Shop now" in part(email, "html")}
    assert whole == {"ada3@example.com"}
    told = [one for one in logs if one["event"] == "template.failed"]
    assert sorted(one["part"] for one in told) == ["html", "text"]
    assert {(one["wave"], one["error"]) for one in told} == {(str(wave_id), "UndefinedError")}
    assert "Eve" not in str(told)
    own = await stored(client)
    assert [one["failure"] for one in own] == ["UndefinedError"] * 2
    assert all(one["failed_at"] for one in own)
    await set_parts(client, text=f"Better {LINK}")
    own = await stored(client)
    assert [(one["part"], one["failure"]) for one in own] == [
        ("html", "UndefinedError"),
        ("text", None),
    ]
    preview = (await client.post(f"{PATH}/preview", json={"template": "alert"})).json()
    assert preview["problems"] == []


async def test_a_preview_tells_what_failed(client, database, shop):
    await fails_later(database, shop, "{{ gone }}")
    preview = (await client.post(f"{PATH}/preview", json={"template": "alert"})).json()
    assert preview["problems"] == [
        "text could not be rendered with this product (UndefinedError), so the default was used"
    ]
    assert "Shop now" in preview["text"]


async def test_the_mail_that_asks_to_confirm_has_templates_too(
    client, database, runtime, shop, relay
):
    await set_settings(database, shop, {"compliance": {"optin_required": True}})
    await set_parts(client, template="optin", locale="it", text="Ciao {{ confirm_url }}")
    await fails_later(database, shop, "{{ gone }}", name="html", purpose="optin")
    signup_id = await make_signup(database, shop, locale="it", vouched=False)
    with capture_logs() as logs:
        await send_optin_request.handler(run_of(runtime, shop), signup_id=signup_id)
    (email,) = relay.taken
    assert part(email, "plain").startswith("Ciao http")
    assert "Sì, avvisatemi" in part(email, "html")
    assert [one["part"] for one in logs if one["event"] == "template.failed"] == ["html"]


async def test_another_shop_has_templates_of_its_own(client, database):
    other = await make_shop(database, "other.myshopify.com")
    await fails_later(database, other, "theirs")
    assert await stored(client) == []


async def queued(database, shop):
    async with database.transaction(shop.id) as db:
        found = await db.fetch("SELECT entrypoint, payload FROM queue.pgqueuer")
    return [
        json.loads(payload)
        for entrypoint, payload in found
        if entrypoint.endswith("send_test_mail")
    ]


async def test_a_test_mail_is_sent_to_the_caller(client, database, runtime, shop, relay):
    await set_parts(client, locale="nl", subject="Hoi {{ name }}")
    body = {"template": "alert", "locale": "nl", "email": "Me@Example.com"}
    answer = await client.post(f"{PATH}/send_test", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"email": "me@example.com", "template": "alert", "locale": "nl"}
    (job,) = await queued(database, shop)
    assert "example.com" not in json.dumps(job)
    for template in ("alert", "optin"):
        await jobs.send_test_mail.handler(
            run_of(runtime, shop),
            test_id=new_id(),
            sealed_email=Seal(KEY).close("me@example.com").decode(),
            channel="email",
            template=template,
            locale="nl",
            variant_id=VARIANT,
        )
    alert, optin = relay.taken
    assert alert.recipient == optin.recipient == "me@example.com"
    assert parsed(alert)["Subject"] == "Hoi Ada"
    assert "Snowboard" in part(alert, "html")
    assert "Snowboard" in parsed(optin)["Subject"]
    assert await rows(database, shop, "notifications") == []


async def test_without_an_address_the_shop_itself_gets_the_mail(client, database, shop):
    answer = await client.post(f"{PATH}/send_test", json={"template": "alert"})
    assert answer.status_code == 422
    assert "email is required" in answer.text
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET email = 'owner@example.com'")
    answer = await client.post(f"{PATH}/send_test", json={"template": "optin"})
    assert answer.json()["email"] == "owner@example.com"


async def test_test_mails_are_counted_for_each_mailbox_and_shop(client, database, shop):
    async def send(email):
        body = {"template": "alert", "email": email}
        return await client.post(f"{PATH}/send_test", json=body)

    for n in range(MOST_TO_A_MAILBOX):
        assert (await send(f"me+{n}@example.com")).status_code == 202
    refused = await send("me@example.com")
    assert refused.status_code == 429
    assert "20 mails" in refused.json()["errors"][0]
    for n in range(MOST_OF_A_SHOP - MOST_TO_A_MAILBOX):
        assert (await send(f"other{n}@example.com")).status_code == 202
    refused = await send("somebody@example.com")
    assert refused.status_code == 429
    assert "100 test mails" in refused.json()["errors"][0]
    assert len(await queued(database, shop)) == MOST_OF_A_SHOP
    for wrong in ("nobody", "a@b@c.example", "a@b.example\nBcc: c@d.example"):
        assert (await send(wrong)).status_code == 422
    body = {"template": "alert", "email": "x@example.com", "shopify_variant_id": 99}
    assert (await client.post(f"{PATH}/send_test", json=body)).status_code == 422
