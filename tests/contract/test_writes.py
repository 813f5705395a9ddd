"""What every write changes: nothing in a dry run, and nothing of another shop."""

import pytest

from openstoq.registry import ACTIONS
from tests.contract.requests import (
    CREATE,
    GROUPS,
    MINE,
    address,
    body_for,
    call,
    content,
    flipped,
    owned_by,
    snapshot,
)
from tests.factories.apps import client_of
from tests.factories.catalogs import VARIANT
from tests.factories.shops import make_key, make_shop


@pytest.mark.parametrize("group", GROUPS, ids=GROUPS)
async def test_a_dry_run_changes_nothing(group, rich, mine, database, shop):
    for action in GROUPS[group]:
        await check_dry_run(action, rich, mine, database, shop)


async def check_dry_run(action, rich, mine, database, shop):
    identifier = owned_by(action, mine)
    where = address(action, identifier, str(VARIANT))
    body = body_for(action, identifier)
    if body == CREATE:
        await rich.delete(f"/back_in_stock/signups/{identifier}")
    if action.method == "PATCH" and not action.path_params:
        body = flipped((await rich.get(action.path)).json())
    if action.name == "preorders.offers.restore":
        assert (await rich.post(where.replace("restore", "discard"))).status_code == 202
    async with database.transaction(shop.id) as db:
        if action.name == "back_in_stock.signups.import":
            # An import names variants, so it needs a catalogue that was read completely.
            await db.execute(
                "INSERT INTO catalog_pulls (shop_id, started_at, finished_at, complete) "
                "VALUES ($1, now(), now(), true)",
                shop.id,
            )
        # A job that waits already would not be enqueued once more.
        await db.execute("DELETE FROM queue.pgqueuer")
    before = await snapshot(database, shop.id)
    dry = await rich.request(
        action.method,
        where + "?dry_run=true",
        content=content(body),
        headers={"Idempotency-Key": f"dry {action.name}"},
    )
    assert dry.status_code < 300, (action.name, dry.text)
    assert await snapshot(database, shop.id) == before, action.name
    effects = dry.json()["effects"]
    wet = await rich.request(action.method, where, content=content(body))
    after = await snapshot(database, shop.id)
    assert wet.status_code == dry.status_code, action.name
    assert len(after["audit_log"]) == len(before["audit_log"]) + 1, action.name
    jobs = len(after["queue.pgqueuer"]) - len(before["queue.pgqueuer"])
    assert len(effects) == jobs, action.name


async def test_another_shops_key_reaches_nothing(app, rich, mine, database, shop):
    await rich.patch("/back_in_stock/settings/tagging", json={"order_tags": {"tag": MINE}})
    before = await snapshot(database, shop.id)
    identifiers = {str(row["id"]) for rows in before.values() for row in rows if "id" in row}
    assert set(mine.values()) <= identifiers
    other = await make_shop(database, "other.myshopify.com")
    async with database.transaction(other.id) as db:
        await db.execute("UPDATE shops SET rate_points = 1000000")
    async with client_of(app, await make_key(database, other)) as stranger:
        for action in ACTIONS:
            for identifier in identifiers if action.path_params else (mine["back_in_stock"],):
                answer = await call(stranger, action, identifier)
                assert answer.status_code < 500
                if not action.name.endswith(".create"):
                    assert MINE not in answer.text, action.name
                if action.path_params:
                    assert answer.status_code == 404, action.name
    assert await snapshot(database, shop.id) == before
