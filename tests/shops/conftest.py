"""Tests on a real PostgreSQL, of one shop that is told of by Shopify."""

import pytest
from pydantic import SecretStr

from factories.deliveries import SECRET
from factories.fixtures import shop
from factories.runtimes import KEY, make_runtime
from openstoq.commerce.inbound import Inbound
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.config import Security, Settings, Shopify
from openstoq.registry import SUBSCRIBERS

__all__ = ["shop"]


@pytest.fixture
def runtime(database):
    settings = Settings(
        security=Security(key=KEY),
        shopify=Shopify(
            client_secret=SecretStr(SECRET), previous_client_secret=SecretStr("the one before")
        ),
    )
    ports = {Inbound: ShopifyInbound()}
    return make_runtime(database, ports=ports, settings=settings, subscribers=SUBSCRIBERS)
