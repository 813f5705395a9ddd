"""What actions answer, against what the OpenAPI document says that they answer."""

import jsonschema
import pytest

from openstoq.actions import openapi
from openstoq.registry import ACTIONS
from tests.contract.requests import GROUPS, NOBODYS, address, body_for, call, content, owned_by
from tests.factories.apps import client_of
from tests.factories.catalogs import VARIANT

DOCUMENT = openapi.document(ACTIONS, server="http://shop.test")


def assert_documented(action, answer):
    """Assert that an answer's status and body are in the document."""
    responses = DOCUMENT["paths"][action.path][action.method.lower()]["responses"]
    assert str(answer.status_code) in responses, (action.name, answer.text)
    schema = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
    jsonschema.validate(
        answer.json(),
        {**schema, "components": DOCUMENT["components"]},
        cls=jsonschema.Draft202012Validator,
    )


@pytest.mark.parametrize("group", GROUPS, ids=GROUPS)
async def test_writes_answer_as_documented_dry_or_not(group, rich, mine):
    for action in GROUPS[group]:
        identifier = owned_by(action, mine)
        where, body = (
            address(action, identifier, str(VARIANT)),
            content(body_for(action, identifier)),
        )
        dry = await rich.request(action.method, f"{where}?dry_run=true", content=body)
        assert_documented(action, dry)
        assert "effects" in dry.json() or dry.status_code >= 400
        wet = await rich.request(action.method, where, content=body)
        assert_documented(action, wet)
        assert "effects" not in wet.json()


async def test_reads_answer_as_documented(rich, mine):
    for action in ACTIONS:
        if not action.writes:
            where = address(action, owned_by(action, mine), str(VARIANT))
            answer = await rich.get(where)
            assert answer.status_code in (200, 404), (action.name, answer.text)
            assert_documented(action, answer)


async def test_some_of_many_is_documented_too(rich, signup_id):
    (action,) = (one for one in ACTIONS if one.partly is not None)
    answer = await rich.post(action.path, json={"signup_ids": [signup_id, NOBODYS]})
    assert answer.status_code == action.partly == 207
    assert_documented(action, answer)


async def test_refusals_are_documented(app, rich, client, database, shop):
    for action in ACTIONS:
        assert_documented(action, await call(rich, action, "nope"))
        async with client_of(app) as stranger:
            assert_documented(action, await call(stranger, action))
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET rate_points = 1")
    await client.get("/help")
    for action in ACTIONS:
        spent = await call(client, action)
        assert spent.status_code == 429
        assert_documented(action, spent)
