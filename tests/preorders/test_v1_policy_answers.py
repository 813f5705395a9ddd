"""The response to v1's remove_variant: whatever happens after the removal, it says what was done."""

import orjson
import pytest
from pydantic import ValidationError

from openstoq.actions.records import Answer
from openstoq.bootstrap.api import stop_serving
from openstoq.config import GRACE_SECONDS, Settings
from openstoq.db.pool import Database
from openstoq.web.connections import ConnectionLimits
from openstoq.web.server import Config, Server
from openstoq.web.v1.policy_answer import NOT_YET, with_policy
from tests.factories.apps import make_app
from tests.factories.runtimes import make_runtime

LIMITS = ConnectionLimits(
    head_bytes=65_536,
    head_seconds=10,
    body_seconds=10,
    answer_seconds=10,
    keep_alive_seconds=5,
    connections=10,
    address_connections=10,
)


def removal(*variant_ids):
    removed = {
        "success": True,
        "message": "removed",
        "variants_removed": variant_ids,
        "inventory_policy_updated": False,
        "inventory_policy": "DENY",
    }
    return Answer(200, orjson.dumps(removed))


async def completed(runtime, shop, *variant_ids):
    answer = await with_policy(runtime, shop.id, removal(*variant_ids))
    body = orjson.loads(answer.body)
    assert (answer.status, body["success"], body["inventory_policy_updated"]) == (200, True, False)
    return body["message"].removeprefix("removed, but the inventory policy is not DENY: ")


async def test_a_database_that_is_lost_after_the_removal_is_no_error(database_url, shop):
    lost = await Database.connect(database_url)
    await lost.close()
    assert await completed(make_runtime(lost), shop, 11) == NOT_YET


async def test_only_some_of_very_many_refusals_are_named(runtime, shop):
    refusal = "the shop has refused it, or somebody has changed it since"
    named = [f"{number}: {refusal}" for number in range(1, 21)]
    assert await completed(runtime, shop, *range(1, 21)) == "; ".join(named)
    more = await completed(runtime, shop, *range(1, 5001))
    assert more == "; ".join([*named, "and 4980 more variants"])


async def test_a_server_that_stops_lets_nobody_wait(runtime, database, shop):
    async with database.transaction(shop.id) as db:
        await db.execute(
            "INSERT INTO preorder_variants (shop_id, variant_id, policy_wanted) "
            "VALUES ($1, 11, 'deny')",
            shop.id,
        )
    server = Server(Config(make_app(runtime), LIMITS))
    stop_serving(runtime, server)
    assert (server.should_exit, server.force_exit) == (True, False)
    assert await completed(runtime, shop, 11) == NOT_YET
    stop_serving(runtime, server)
    assert server.force_exit


@pytest.mark.parametrize("seconds", [GRACE_SECONDS, GRACE_SECONDS - 1, 60])
def test_no_wait_is_as_long_as_a_stop(seconds):
    assert Settings().http.policy_seconds < GRACE_SECONDS
    with pytest.raises(ValidationError):
        Settings(http={"policy_seconds": seconds})
