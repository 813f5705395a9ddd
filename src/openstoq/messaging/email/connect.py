"""Open a connection to the relay.

aiosmtplib does the greeting, TLS and login. After that, our own code does the mail transactions.
"""

import asyncio
import socket
import ssl

import aiosmtplib

from openstoq.messaging.email.session import Session
from openstoq.messaging.email.settings import SMTPSettings
from openstoq.messaging.port import RelayUnavailable


async def connect(settings: SMTPSettings, context: ssl.SSLContext | None) -> Session:
    """Return a session after greeting, TLS and login as required by `settings`.

    Raises RelayUnavailable, with a sentence for people, if one of these steps fails.
    """
    where = f"{settings.host}:{settings.port}"
    client = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        username=settings.username,
        password=settings.password,
        local_hostname=settings.local_hostname or socket.gethostname(),
        timeout=settings.timeout,
        use_tls=settings.security == "tls",
        start_tls=settings.security == "starttls",
        tls_context=context,
    )
    try:
        async with asyncio.timeout(settings.timeout):
            await _greeted(client)
    except aiosmtplib.SMTPAuthenticationError as error:
        raise RelayUnavailable(
            f"The relay {where} refused the login ({error.code} {error.message}); "
            "check the SMTP username and password."
        ) from error
    except aiosmtplib.SMTPResponseException as error:
        raise RelayUnavailable(
            f"The relay {where} turned us away: {error.code} {error.message}"
        ) from error
    except TimeoutError as error:
        raise RelayUnavailable(
            f"The relay {where} did not answer within {settings.timeout:g} s; "
            "check its host, port and security settings."
        ) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise RelayUnavailable(
            f"The relay {where} cannot be reached: {error}; "
            "check its host, port and security settings."
        ) from error
    return _take_over(client, settings)


async def _greeted(client: aiosmtplib.SMTP) -> None:
    try:
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            try:
                await client.ehlo()
            except aiosmtplib.SMTPHeloError:
                await client.helo()
    except BaseException:
        # aiosmtplib does not clean up after a failure that follows connect().
        client.close()
        raise


def _take_over(client: aiosmtplib.SMTP, settings: SMTPSettings) -> Session:
    session = Session(client.esmtp_extensions, settings.timeout)
    transport = client.transport
    if transport is None:
        raise RelayUnavailable(f"The relay {settings.host}:{settings.port} hung up after login.")
    transport.set_protocol(session)
    session.connection_made(transport)
    return session
