"""A shop in a running sandbox, as the port sees it, and its checkout."""

import pytest

from sandbox.site import SNOWDEVIL
from tests.commerce.in_sandbox.checkout import Checkout


@pytest.fixture
def shop(connect):
    return connect()


@pytest.fixture
async def checkout(site, shop):
    return await Checkout(site, shop, SNOWDEVIL).open()
