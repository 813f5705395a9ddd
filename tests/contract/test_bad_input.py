"""Every action of the registry, with input that nobody should send."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openstoq.kernel.clock import utc_now
from openstoq.registry import ACTIONS
from openstoq.shops import store
from tests.contract.requests import (
    CHUNKS,
    STRANGE_IDS,
    UNREADABLE,
    WRITES,
    address,
    assert_envelope,
    body_for,
    call,
    content,
    every_action,
    json_values,
    refusal,
    snapshot,
    wrong_bodies,
)
from tests.factories.apps import client_of
from tests.factories.schemas import places, with_value


@every_action
def test_every_wrong_value_has_a_sentence(action):
    refusals = [problem for body in wrong_bodies(action) if (problem := refusal(action, body))]
    assert refusals or action.request is None
    for problem in refusals:
        assert all(problem.messages)
        for message in problem.messages:
            # It can be written as UTF-8, and no placeholder was left in it.
            assert b"{field}" not in message.encode()


@every_action
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_json_is_read_or_refused(action, data):
    schema = action.request_schema
    paths = sorted({path for path, _ in places(schema, schema)}, key=str)
    body = data.draw(json_values)
    if paths and data.draw(st.booleans()):
        body = with_value(data.draw(st.sampled_from(paths)), body)
    if not action.writes and not isinstance(body, dict):
        body = {"value": body}
    problem = refusal(action, body)
    assert problem is None or (problem.status in (400, 422) and all(problem.messages))


@pytest.mark.parametrize("nth", range(CHUNKS))
async def test_wrong_values_through_http_are_never_a_fault(nth, rich):
    for action in ACTIONS[nth::CHUNKS]:
        bodies = wrong_bodies(action)
        # Every place is tried above; through HTTP each kind of value is tried once for each field.
        for body in bodies[:: max(1, len(bodies) // 60)]:
            if action.writes:
                answer = await rich.request(
                    action.method, address(action) + "?dry_run=true", content=content(body)
                )
            else:
                # httpx refuses to encode some of them, so only texts and numbers are sent.
                values = {name: str(value)[:5000] for name, value in body.items()}
                answer = await rich.get(address(action), params=values)
            if answer.status_code >= 300:
                assert_envelope(answer)


async def test_unreadable_bodies_are_400(rich):
    for action in WRITES:
        for body in UNREADABLE:
            answer = await rich.request(action.method, address(action), content=body)
            assert_envelope(answer)
            assert answer.status_code == 400, (action.name, body[:20])


async def test_an_empty_body_is_an_empty_object(rich):
    for action in WRITES:
        told = [
            await rich.request(action.method, address(action), content=body)
            for body in (b"{}", b"", b" \n")
        ]
        assert told[0].status_code < 500, action.name
        assert len({(one.status_code, str(one.json().get("errors"))) for one in told}) == 1, (
            action.name
        )


async def test_unknown_fields_are_named(rich):
    for action in WRITES:
        answer = await rich.request(
            action.method, address(action), json={**body_for(action), "no_such_field": 1}
        )
        assert_envelope(answer)
        assert answer.status_code == 422, action.name
        assert "no_such_field is not a known field" in answer.json()["errors"]


@every_action
def test_a_nul_is_refused_wherever_text_may_stand(action):
    schema = action.request_schema
    for path, option in places(schema, schema):
        if option.get("type") == "string":
            assert refusal(action, with_value(path, "a\x00b")), path


@pytest.mark.parametrize("sent", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_moment_outside_the_calendar_is_refused_wherever_one_may_stand(rich, sent):
    seen = 0
    for action in ACTIONS:
        schema = action.request_schema
        for path, option in places(schema, schema):
            # A filter's day has no format of JSON Schema, which knows no "date or date-time".
            if option.get("format") == "date-time" or "RFC 3339" in option.get("description", ""):
                body = with_value(path, sent)
                asked = {"content": content(body)} if action.writes else {"params": body}
                answer = await rich.request(action.method, address(action), **asked)
                assert answer.status_code == 422, (action.name, path, answer.text)
                sentence = f"{'.'.join(path)} must lie in the years 1 to 9999, counted in UTC"
                assert sentence in answer.json()["errors"], action.name
                seen += 1
    assert seen


async def test_strange_ids_are_404(rich):
    for action in ACTIONS:
        for identifier in STRANGE_IDS if action.path_params else ():
            answer = await call(rich, action, identifier)
            assert_envelope(answer)
            assert answer.status_code == 404, (action.name, identifier)


async def test_nobody_gets_in_without_a_live_key(app, database, shop, key):
    async with database.transaction(shop.id) as db:
        now = utc_now()
        expired = await store.add_key(db, shop.id, name="old", now=now, expires_at=now)
        revoked = await store.add_key(db, shop.id, name="lost", now=now)
        last = (await store.keys(db, shop.id))[-1]
        await store.revoke_key(db, shop.id, last.id, now)
    unknown = "stoq_api_key_" + "A" * 32
    strangers = (None, unknown, "stoq_api_key_", key[:-1], f"{key}a", f"{key} ;", expired, revoked)
    before = await snapshot(database, shop.id)
    for stranger in strangers:
        async with client_of(app, stranger) as client:
            for action in ACTIONS:
                answer = await call(client, action)
                assert_envelope(answer)
                assert answer.status_code == 401, (action.name, stranger)
    assert await snapshot(database, shop.id) == before
