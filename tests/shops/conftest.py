"""Tests on a real PostgreSQL, of one shop that is told of by Shopify."""

from typing import Any

import pytest
from pydantic import SecretStr

from openstoq.commerce.inbound import Inbound
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.config import Security, Settings, Shopify
from openstoq.db.pool import Database
from openstoq.jobs.work import Runtime
from openstoq.registry import SUBSCRIBERS
from tests.factories.deliveries import SECRET
from tests.factories.fixtures import shop
from tests.factories.runtimes import KEY, make_runtime

__all__ = ["shop"]


@pytest.fixture
def runtime(database: Database) -> Runtime:
    settings = Settings(
        security=Security(key=KEY),
        shopify=Shopify(
            client_secret=SecretStr(SECRET), previous_client_secret=SecretStr("the one before")
        ),
    )
    ports: dict[Any, object] = {Inbound: ShopifyInbound()}
    return make_runtime(database, ports=ports, settings=settings, subscribers=SUBSCRIBERS)
