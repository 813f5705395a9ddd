"""A shop in a running sandbox, as the port sees it, and its checkout."""

import pytest

from tests.commerce.in_sandbox.checkout import Checkout
from tests.sandbox.site import SNOWDEVIL


@pytest.fixture
def shop(connect):
    return connect()


@pytest.fixture
async def checkout(site, shop):
    return await Checkout(site, shop, SNOWDEVIL).open()
