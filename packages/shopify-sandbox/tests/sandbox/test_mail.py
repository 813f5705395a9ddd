"""The mail catcher: SMTP in, JSON and pages out, faults on demand."""

import asyncio
import smtplib
import socket
from email.message import EmailMessage

import pytest

from sandbox.patience import PATIENCE
from sandbox.site import bound_socket, serving
from shopify_sandbox.mail.mailbox import Mailbox
from shopify_sandbox.mail.pages import create_mail_app
from shopify_sandbox.mail.smtp import serve_smtp
from tests.factories.clients import patient_client


class Catcher:
    def __init__(self, mailbox, port, http):
        self.mailbox = mailbox
        self.port = port
        self.http = http

    async def deliver(self, *messages):
        """Send over one connection, in a thread because smtplib waits."""

        def send():
            with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE) as smtp:
                for message in messages:
                    smtp.send_message(message)

        await asyncio.to_thread(send)

    async def get(self, path="/messages", **query):
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def catcher():
    mailbox = Mailbox()
    listening, url = bound_socket()
    taking = socket.socket()
    taking.bind(("127.0.0.1", 0))
    smtp = await serve_smtp(mailbox, taking)
    async with (
        serving(create_mail_app(mailbox), listening),
        patient_client(base_url=url) as http,
    ):
        yield Catcher(mailbox, taking.getsockname()[1], http)
    smtp.close()
    await smtp.wait_closed()


def mail(to="ana@example.com", subject="It is back", **headers):
    message = EmailMessage()
    message["From"] = "Snowdevil <shop@example.com>"
    message["To"] = to
    message["Subject"] = subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Grüße, the tote is here.\n")
    message.add_alternative("<p>Grüße, the <b>tote</b> is here.</p>\n", subtype="html")
    return message


async def test_a_message_is_shown_as_json(catcher):
    message = mail(List_Unsubscribe="<https://example.com/u>", X_Tag="one")
    message.add_header("X-Tag", "two")
    await catcher.deliver(message)
    (seen,) = await catcher.get()
    assert seen.keys() == {"id", "to", "from", "subject", "headers", "text", "html", "received_at"}
    assert seen["to"] == ["ana@example.com"]
    assert seen["from"] == "Snowdevil <shop@example.com>"
    assert seen["subject"] == "It is back"
    assert seen["text"].strip() == "Grüße, the tote is here."
    assert seen["html"].strip() == "<p>Grüße, the <b>tote</b> is here.</p>"
    assert seen["headers"]["List-Unsubscribe"] == "<https://example.com/u>"
    assert seen["headers"]["X-Tag"] == ["one", "two"]
    assert seen["received_at"].endswith("Z")
    assert await catcher.get(f"/messages/{seen['id']}") == seen
    html = await catcher.http.get(f"/messages/{seen['id']}/html")
    assert html.headers["content-type"].startswith("text/html")
    assert html.headers["content-security-policy"].startswith("sandbox")
    framed = await catcher.http.get(f"/messages/{seen['id']}/html", params={"framed": ""})
    assert framed.text == '<base target="_blank">' + html.text
    raw = await catcher.http.get(f"/messages/{seen['id']}/raw")
    assert raw.content.startswith(b"From: Snowdevil")


async def test_messages_are_filtered_newest_last_and_thrown_away(catcher):
    await catcher.deliver(*(mail(f"{name}@example.com") for name in ("a", "b", "a")))
    everything = await catcher.get()
    assert [each["to"][0][0] for each in everything] == ["a", "b", "a"]
    assert await catcher.get(to="A@example.com") == [everything[0], everything[2]]
    assert await catcher.get(after=everything[0]["id"], limit=1) == [everything[1]]
    assert (await catcher.http.get("/messages", params={"limit": "x"})).status_code == 400
    assert (await catcher.http.delete("/messages")).status_code == 200
    assert await catcher.get() == []
    await catcher.deliver(mail())
    assert (await catcher.get())[0]["id"] > everything[-1]["id"]


async def test_the_page_lists_the_newest_200_of_many(catcher):
    raw = mail().as_bytes()
    for each in range(10_000):
        catcher.mailbox.add("shop@example.com", [f"{each}@example.com"], raw)
    page = (await catcher.http.get("/")).text
    assert page.count("<nav>") == 1
    assert "10000 messages, the newest 200 are listed" in page
    assert "9999@example.com" in page
    assert "9799@example.com" not in page
    assert 'src="/messages/10000/html?framed"' in page
    assert len(await catcher.get(limit=5)) == 5
    assert "Caught mail" in (await catcher.http.get("/", params={"id": "3"})).text
    assert (await catcher.http.get("/messages/10001")).status_code == 404


async def test_an_empty_catcher_has_a_page_too(catcher):
    assert "No mail yet" in (await catcher.http.get("/")).text


async def test_commands_may_be_pipelined(catcher):
    reader, writer = await asyncio.open_connection("127.0.0.1", catcher.port)

    async def answer():
        lines = [await asyncio.wait_for(reader.readline(), PATIENCE)]
        while lines[-1][3:4] == b"-":
            lines.append(await asyncio.wait_for(reader.readline(), PATIENCE))
        return b"".join(lines)

    await answer()
    writer.write(b"EHLO test\r\n")
    greeting = await answer()
    for extension in (b"PIPELINING", b"8BITMIME", b"SMTPUTF8"):
        assert extension in greeting
    envelope = b"MAIL FROM:<s@example.com>\r\nRCPT TO:<%d@example.com>\r\nDATA\r\n"
    body = b"Subject: %d\r\n\r\nhello\r\n.\r\n"
    writer.write(envelope % 1)
    codes = [(await answer())[:3] for _ in range(3)]
    writer.write(body % 1 + envelope % 2)
    codes += [(await answer())[:3] for _ in range(4)]
    writer.write(body % 2 + b"QUIT\r\n")
    codes += [(await answer())[:3] for _ in range(2)]
    assert codes == [b"250", b"250", b"354", b"250", b"250", b"250", b"354", b"250", b"221"]
    writer.close()
    await writer.wait_closed()
    assert [each["subject"] for each in await catcher.get()] == ["1", "2"]


@pytest.mark.parametrize(("fault", "code"), [("refuse", 550), ("later", 451)])
async def test_addresses_are_refused_on_demand(catcher, fault, code):
    asked = {"fault": fault, "pattern": "^bad", "count": 1}
    assert (await catcher.http.post("/faults", json=asked)).status_code == 200
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await catcher.deliver(mail("bad@example.com"))
    assert refused.value.recipients["bad@example.com"][0] == code
    await catcher.deliver(mail("good@example.com"), mail("bad@example.com"))
    assert [each["to"] for each in await catcher.get()] == [
        ["good@example.com"],
        ["bad@example.com"],
    ]


@pytest.mark.parametrize("store", [True, False])
async def test_the_connection_drops_after_data_on_demand(catcher, store):
    await catcher.http.post("/faults", json={"fault": "drop", "count": 1, "store": store})
    with pytest.raises(smtplib.SMTPServerDisconnected):
        await catcher.deliver(mail())
    assert len(await catcher.get()) == store
    await catcher.deliver(mail())
    assert len(await catcher.get()) == store + 1


async def test_a_delayed_message_arrives_and_faults_are_called_off(catcher):
    await catcher.http.post("/faults", json={"fault": "delay", "seconds": 0.01})
    await catcher.deliver(mail())
    assert len(await catcher.get()) == 1
    assert len((await catcher.get("/faults"))["faults"]) == 1
    await catcher.http.delete("/faults")
    assert await catcher.get("/faults") == {"faults": []}


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"{}", 422), (b'{"fault": "drop", "pattern": "("}', 422)],
)
async def test_a_fault_that_makes_no_sense_is_refused(catcher, body, status):
    assert (await catcher.http.post("/faults", content=body)).status_code == status
    assert await catcher.get("/faults") == {"faults": []}


async def test_a_message_nobody_can_read_is_kept_all_the_same(catcher):
    catcher.mailbox.add("", ["a@example.com"], b"Content-Type: text/plain; charset=klingon\n\nhi\n")
    catcher.mailbox.add("", ["a@example.com"], b"\xff\xfe\x00nonsense")
    first, second = await catcher.get()
    assert first["text"].strip() == "hi"
    assert second["subject"] == ""
