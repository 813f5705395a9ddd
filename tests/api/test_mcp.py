"""MCP through the SDK's own client and a real server, and as raw JSON-RPC."""

import json
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from tests.factories.apps import serving
from tests.factories.clients import patient_client
from tests.factories.patience import PATIENCE
from tests.factories.shops import make_key, make_shop

PATH = "/api/v2/external/mcp"
READ, UPDATE = "back_in_stock_settings_delivery_read", "back_in_stock_settings_delivery_update"


@pytest.fixture
async def address(app):
    async with serving(app) as address:
        yield address


@asynccontextmanager
async def connected(url, headers, mode="auto"):
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def call(tool, **arguments):
    return {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }


LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture
async def http(address, key):
    async with patient_client(base_url=address, headers={"X-Auth-Token": key}) as client:
        yield client


@pytest.mark.parametrize("path", [PATH, "/mcp"])
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_sdks_client_reads_writes_and_sees_problems(address, key, path, mode):
    headers = {"Authorization": f"Bearer {key}"}
    async with connected(address + path, headers, mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools[READ].annotations.read_only_hint is True
        assert tools[UPDATE].annotations.read_only_hint is False
        written = await client.call_tool(UPDATE, {"stock_threshold": 5})
        assert not written.is_error
        read = await client.call_tool(READ, {})
        assert read.structured_content["stock_threshold"] == 5
        refused = await client.call_tool(UPDATE, {"stock_threshold": 0, "nope": 1})
        assert refused.is_error
        assert refused.structured_content["status"] == 422
        assert len(refused.structured_content["errors"]) == 2
        assert "nope is not a known field" in refused.content[0].text


async def test_without_a_key_a_client_is_told_to_send_one(address):
    with pytest.raises(ExceptionGroup) as raised:
        async with connected(address + PATH, {}, "legacy") as client:
            await client.list_tools()
    refusal = raised.value.subgroup(
        lambda error: isinstance(error, MCPError) and "X-Auth-Token" in error.message
    )
    assert refusal is not None


async def test_refusals_are_http_with_a_json_rpc_body(http, database, shop):
    # Of what comes without anything like a key nothing is read, the id neither.
    for key, asked_by in (("", None), ("nope", None), ("stoq_api_key_" + "a" * 32, 1)):
        answer = await http.post(PATH, json=LIST, headers={"X-Auth-Token": key})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["id"] == asked_by
        assert "API key" in answer.json()["error"]["message"]
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET rate_points = 2")
    assert (await http.post(PATH, json=LIST)).headers["X-RateLimit-Remaining"] == "1"
    spent = await http.post(PATH, json=call(UPDATE, stock_threshold=5))
    assert spent.status_code == 429
    assert int(spent.headers["Retry-After"]) >= 1
    assert "Try again" in spent.json()["error"]["message"]
    read = await http.post(PATH, json=call(READ))
    assert read.json()["result"]["structuredContent"]["stock_threshold"] == 1


async def test_costs_are_those_of_the_actions(http):
    for message, remaining in ((LIST, 359), (call(READ), 358), (call(UPDATE), 356)):
        answer = await http.post(PATH, json=message)
        assert answer.headers["X-RateLimit-Remaining"] == str(remaining)
        assert answer.headers["X-Request-Id"]
        assert answer.status_code == 200


async def test_dry_runs_and_idempotency_keys_are_arguments(http):
    async def result(tool, **arguments):
        return (await http.post(PATH, json=call(tool, **arguments))).json()["result"]

    dry = await result(UPDATE, stock_threshold=5, dry_run=True)
    assert dry["structuredContent"]["effects"] == []
    assert (await result(READ))["structuredContent"]["stock_threshold"] == 1
    for _ in range(2):
        await result(UPDATE, stock_threshold=6, idempotency_key="once")
    mismatch = await result(UPDATE, stock_threshold=7, idempotency_key="once")
    assert mismatch["isError"]
    wrong = await result(UPDATE, dry_run="yes", idempotency_key=5)
    assert wrong["structuredContent"]["errors"] == [
        "dry_run must be true or false",
        "idempotency_key must be a string",
    ]
    assert (await result(READ))["structuredContent"]["stock_threshold"] == 6


async def test_curl_needs_no_special_headers(http):
    answer = await http.post(
        PATH,
        content=b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}',
        headers={"Content-Type": "application/x-www-form-urlencoded", "Host": "shop.example"},
    )
    assert answer.status_code == 200
    assert answer.json()["result"]["tools"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nope",
        b"\xff",
        b"[" * 100_000,
        b'{"jsonrpc": "2.0", "id": 1, "method": "nope"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "nope"}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 5}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}',
    ],
    ids=lambda body: repr(body)[-40:],
)
async def test_what_is_no_call_is_an_error_of_the_protocol(http, body):
    answer = await http.post(PATH, content=body)
    assert answer.status_code < 500
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        b'{"stock_threshold": NaN}',
        b'{"\\ud800": 1}',
        b'{"unknown_outcome": "\\ud800"}',
        b'{"stock_threshold": ' + b"9" * 400 + b"}",
        b'{"idempotency_key": "\\ud800"}',
        b'{"idempotency_key": "\\u0000"}',
        b'{"dry_run": null}',
    ],
    ids=repr,
)
async def test_strange_arguments_are_told_and_change_nothing(http, arguments):
    for protocol in ("2025-06-18", None):
        answer = await http.post(
            PATH,
            content=b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "'
            + UPDATE.encode()
            + b'", "arguments": '
            + arguments
            + b"}}",
            headers={"MCP-Protocol-Version": protocol} if protocol else {},
        )
        assert answer.status_code < 500
        said = answer.json()
        assert "error" in said or said["result"]["isError"]
    assert (await http.post(PATH, json=call(READ))).json()["result"]["structuredContent"][
        "stock_threshold"
    ] == 1


async def test_only_post_is_served(http):
    for method in ("GET", "DELETE"):
        answer = await http.request(method, PATH)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")


async def test_a_tool_acts_in_the_shop_of_its_key(http, address, database):
    other = await make_key(database, await make_shop(database, "other.myshopify.com"))
    await http.post(PATH, json=call(UPDATE, stock_threshold=5))
    answer = await http.post(PATH, json=call(READ), headers={"X-Auth-Token": other})
    assert answer.json()["result"]["structuredContent"]["stock_threshold"] == 1


JUNK = (None, True, 5, 1.5, "", "nope", [], [{}], {"": []}, 2**70)


def junk_messages():
    """Make messages of which each part is of every wrong type, one at a time."""
    yield from JUNK
    for whole in (LIST, call(UPDATE, stock_threshold=3)):
        params = whole.get("params", {})
        yield from ([whole], [whole, whole])
        for value in JUNK:
            for part in ("jsonrpc", "id", "method", "params"):
                yield {**whole, part: value}
            for part in ("name", "arguments", "_meta", "cursor"):
                yield {**whole, "params": {**params, part: value}}
            yield {**whole, "params": {**params, "_meta": {"progressToken": value}}}


@pytest.mark.parametrize("protocol", [None, "2026-07-28", "\xff"])
async def test_no_message_breaks_it(address, database, shop, key, protocol):
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET rate_points = 1000000")
    headers = {"MCP-Protocol-Version": protocol.encode("latin-1")} if protocol else {}
    async with patient_client(base_url=address, headers=headers) as stranger:
        for message in junk_messages():
            body = json.dumps(message).encode()
            if protocol is None:
                answer = await stranger.post(PATH, content=body)
                assert answer.status_code == 401, body
                assert answer.json()["error"]["message"]
            answer = await stranger.post(PATH, content=body, headers={"X-Auth-Token": key})
            assert answer.status_code in (200, 202, 400, 404), (body, answer.text)
            if answer.status_code >= 400:
                assert answer.json()["error"]["message"], body


async def points_of(http, body):
    answer = await http.post(PATH, content=body)
    return int(answer.headers["X-RateLimit-Remaining"]), answer


WRITE = json.dumps(call(UPDATE, stock_threshold=4)).encode()


@pytest.mark.parametrize(
    "body",
    [
        WRITE,
        WRITE.replace(b'"params": {', b'"params": {"_meta": {"a": NaN}, '),
        WRITE.replace(b'"params": {', b'"params": {"_meta": {"a": Infinity}, '),
        WRITE.replace(b'"params": {', b'"params": {"_meta": {"a": "\\ud800"}, '),
        WRITE.replace(b'"params": {', b'"params": {"_meta": {"a": 1e999}, '),
        WRITE.replace(b'"params": {', b'"params": {"name": "' + READ.encode() + b'", '),
        WRITE.replace(b'"jsonrpc"', b'"method": "tools/list", "jsonrpc"'),
        b"\xef\xbb\xbf" + WRITE,
        WRITE.decode().encode("utf-16"),
        WRITE.decode().encode("utf-32"),
        WRITE.replace(b'"id": 7', b'"id": 7, "x": \x00'),
        b"[" + WRITE + b"]",
        WRITE.replace(b'"' + UPDATE.encode() + b'"', b'["' + UPDATE.encode() + b'"]'),
    ],
    ids=lambda body: repr(body)[:60],
)
async def test_what_may_write_costs_as_a_write(http, body):
    before, _ = await points_of(http, json.dumps(call(READ)).encode())
    after, answer = await points_of(http, body)
    assert before - after == 2
    # Either it was read as the write that it is, or nothing was done.
    written = answer.status_code == 200 and "isError" not in answer.text.replace(
        '"isError":false', ""
    )
    _, read = await points_of(http, json.dumps(call(READ)).encode())
    threshold = read.json()["result"]["structuredContent"]["stock_threshold"]
    assert threshold == (4 if written else 1)


async def test_of_a_name_that_comes_twice_the_last_counts_for_all(http):
    body = WRITE.replace(b'"arguments"', b'"name": "' + READ.encode() + b'", "arguments"')
    before, _ = await points_of(http, json.dumps(call(READ)).encode())
    after, answer = await points_of(http, body)
    assert before - after == 1
    # It was run as what it was paid for: a read, which has no stock_threshold to take.
    assert answer.json()["result"]["isError"]


async def test_without_a_key_no_body_is_read(app):
    async def receive():
        raise AssertionError("its body was read")

    for headers in (
        [],
        [(b"x-auth-token", b"nope")],
        [(b"authorization", b"Bearer stoq_api_key_")],
    ):
        answers = []

        async def send(message, answers=answers):
            answers.append(message.get("status"))

        scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b""}
        await app({**scope, "headers": headers}, receive, send)
        assert answers[0] == 401


UNKNOWN_KEY = {"X-Auth-Token": "stoq_api_key_" + "a" * 32}


@pytest.mark.parametrize(
    "message",
    [
        {**LIST, "id": "A" * 1_000_000},
        {**LIST, "id": "A" * 256},
        {**LIST, "id": "é" * 256},
        {**LIST, "method": "A" * 1_000_000},
        call("A" * 1_000_000),
        call(UPDATE, **{"A" * 900_000: 1}),
        call(UPDATE, **{str(number): 1 for number in range(15_000)}),
        call(UPDATE, **{str(number): 1 for number in range(60_000)}),
        call(READ, **{str(number): 1 for number in range(15_000)}),
        call(UPDATE, dry_run="A" * 900_000),
        call(UPDATE, idempotency_key="A" * 900_000),
    ],
    ids=lambda message: repr(message)[:60],
)
async def test_an_answer_is_small_whatever_is_asked(http, message):
    for headers in ({}, UNKNOWN_KEY):
        answer = await http.post(PATH, json=message, headers=headers)
        assert answer.status_code < 500
        assert len(answer.content) < 60_000
    assert (await http.post(PATH, json={**LIST, "id": "A" * 255})).json()["id"] == "A" * 255
