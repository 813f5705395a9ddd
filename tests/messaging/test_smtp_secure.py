import asyncio
import datetime as dt
import ipaddress
import ssl

import pytest
import uvloop
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openstoq.messaging.email.settings import SMTPSettings
from openstoq.messaging.email.smtp import SMTPTransport
from openstoq.messaging.port import RelayUnavailable
from tests.factories.patience import PATIENCE
from tests.factories.smtp_relays import Pile, an_email


class Mailbox:
    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.messages.append(envelope)
        return "250 taken"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            False,
        )
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    cert, pem = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, pem)
    return cert, context


def check(server, session, envelope, mechanism, data):
    allowed = (data.login, data.password) == (b"shop", b"secret")
    return AuthResult(success=allowed, handled=False)


# aiosmtpd counts only STARTTLS as TLS and says so.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("case", ["good", "wrong password", "untrusted"])
def test_tls_and_login(certificate, security, case, loop):
    authority, context = certificate
    mailbox = Mailbox()
    emails = [an_email(body=b".\r\n..dots\r\n") for _ in range(10)]
    pile = Pile(emails)

    def protocol():
        return SMTP(
            mailbox,
            authenticator=check,
            auth_required=True,
            auth_require_tls=security == "starttls",
            tls_context=context if security == "starttls" else None,
            require_starttls=security == "starttls",
            hostname="localhost",
            loop=asyncio.get_running_loop(),
        )

    async def send():
        server = await asyncio.get_running_loop().create_server(
            protocol, "127.0.0.1", 0, ssl=context if security == "tls" else None
        )
        settings = SMTPSettings(
            host="127.0.0.1",
            port=server.sockets[0].getsockname()[1],
            security=security,
            username="shop",
            password="guess" if case == "wrong password" else "secret",
            ca_file=None if case == "untrusted" else authority,
            timeout=PATIENCE,
        )
        assert settings.password not in repr(settings)
        transport = SMTPTransport(settings)
        try:
            await transport.send(pile)
        finally:
            await transport.aclose()
            server.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        if case == "good":
            runner.run(send())
            assert {pile.outcome(email) for email in emails} == {"accepted"}
            taken = sorted(message.content for message in mailbox.messages)
            assert taken == sorted(email.content for email in emails)
        else:
            said = "username and password" if case == "wrong password" else "certificate"
            with pytest.raises(RelayUnavailable, match=said):
                runner.run(send())
            assert mailbox.messages == []
            assert pile.is_balanced()
