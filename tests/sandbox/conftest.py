"""A sandbox per test, and somebody who listens to it."""

import pytest

from sandbox.site import Receiver, bound_socket, running, serving


@pytest.fixture
async def site():
    async with running() as site:
        yield site


@pytest.fixture
async def receiver():
    listening, url = bound_socket()
    receiver = Receiver()
    receiver.uri = f"{url}/hooks"
    async with serving(receiver.app, listening):
        yield receiver
        receiver.hang.set()
