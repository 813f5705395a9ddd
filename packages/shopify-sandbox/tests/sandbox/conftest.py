"""A sandbox per test, and somebody who listens to it."""

from pathlib import Path

import pytest

from sandbox.site import Receiver, bound_socket, running, serving

TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(TESTS):
            item.add_marker("sandbox" if "site" in getattr(item, "fixturenames", ()) else "pure")


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
