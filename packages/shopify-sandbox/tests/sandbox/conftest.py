"""A sandbox per test, and somebody who listens to it."""

from pathlib import Path

import pytest

from sandbox.site import Receiver, bound_socket, running, serving

TESTS = Path(__file__).parent
# Fixtures that start a server; a test without one talks to nothing.
SERVERS = {"site", "receiver", "catcher", "process", "examples"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(TESTS):
            used = getattr(item, "fixturenames", ())
            item.add_marker("pure" if SERVERS.isdisjoint(used) else "sandbox")


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
