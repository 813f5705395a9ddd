"""What goes wrong on our side, bodies that are too large, health and metrics."""

import asyncio

import asyncpg
import httpx
import pytest
import structlog
from starlette.responses import JSONResponse
from starlette.routing import Route

from openstoq.config import Database as DatabaseSettings
from openstoq.config import Http, Security, Settings
from openstoq.db.pool import Database
from tests.factories.apps import client_of, make_app, serving
from tests.factories.clients import patient_client
from tests.factories.patience import until
from tests.factories.runtimes import KEY, make_runtime

SETTINGS = "/back_in_stock/settings"
DELIVERY = f"{SETTINGS}/delivery"


async def test_a_bug_is_a_500_that_names_only_the_request(runtime, key):
    async def broken(_):
        raise ZeroDivisionError("the secret inside")

    with structlog.testing.capture_logs() as lines:
        async with client_of(
            make_app(runtime, routes=[Route("/broken", broken)]), key, ""
        ) as client:
            answer = await client.get("/broken", headers={"X-Request-Id": "r-1"})
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] == "r-1"
    assert answer.json() == {
        "errors": ["something went wrong on our side; please report request id r-1"]
    }
    failed = [line for line in lines if line["event"] == "request.failed"]
    assert [type(line["exc_info"]) for line in failed] == [ZeroDivisionError]


async def test_a_bug_in_an_action_keeps_the_points_headers(client, database):
    # As a migration would that this release does not know.
    await database.call("DROP TABLE back_in_stock_settings")
    answer = await client.get(SETTINGS, headers={"X-Request-Id": "r-2"})
    assert answer.status_code == 500
    assert "back_in_stock_settings" not in answer.text
    assert answer.headers["X-RateLimit-Remaining"] == "359"


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.InterfaceError("pool is closing"),
        asyncpg.ConnectionDoesNotExistError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.AdminShutdownError(),
        asyncpg.DeadlockDetectedError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_passes_is_503_with_a_time_to_come_back(runtime, error):
    async def away(_):
        raise error

    async with client_of(make_app(runtime, routes=[Route("/away", away)]), base="") as client:
        answer = await client.get("/away")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "try again" in answer.json()["errors"][0]


@pytest.mark.parametrize(
    "error",
    [OSError(75, "Value too large"), FileNotFoundError("en.dat"), PermissionError(), OSError("x")],
    ids=repr,
)
async def test_what_has_nothing_to_do_with_the_database_is_a_fault(runtime, error):
    async def broken(_):
        raise error

    async with client_of(make_app(runtime, routes=[Route("/broken", broken)]), base="") as client:
        assert (await client.get("/broken")).status_code == 500


async def test_a_database_whose_socket_is_gone_is_503(key, tmp_path):
    gone = asyncpg.create_pool(host=str(tmp_path), user="x", database="x", min_size=0)
    async with gone as pool:
        away = Database(pool, share=5, seconds=5)
        async with client_of(make_app(make_runtime(away)), key) as client:
            assert (await client.get(SETTINGS)).status_code == 503


async def test_an_argument_of_the_wrong_type_is_our_mistake(runtime, database):
    async def wrong(_):
        await database.call("SELECT $1::int", "text")

    async with client_of(make_app(runtime, routes=[Route("/wrong", wrong)]), base="") as client:
        assert (await client.get("/wrong")).status_code == 500


async def test_a_closed_database_is_503_everywhere(database_url, key):
    pool = await Database.connect(database_url, size=1)
    await pool.close()
    app = make_app(make_runtime(pool))
    async with client_of(app, key) as client:
        assert (await client.get(SETTINGS)).status_code == 503
        assert (await client.patch(DELIVERY, json={})).status_code == 503
    async with client_of(app, base="") as client:
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["errors"]) == (
            503,
            ["the database does not answer"],
        )
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/metrics")).status_code == 200


def limited(database, most_bytes=1000):
    settings = Settings(
        security=Security(key=KEY),
        http=Http(max_body_bytes=most_bytes),
        database=DatabaseSettings(),
    )
    return make_runtime(database, settings=settings)


async def test_a_large_body_is_413_announced_or_streamed(database, key):
    async def chunks():
        for _ in range(20):
            yield b" " * 100

    async with client_of(make_app(limited(database)), key) as client:
        announced = await client.patch(DELIVERY, content=b" " * 1001)
        streamed = await client.patch(DELIVERY, content=chunks())
        for answer in (announced, streamed):
            assert answer.status_code == 413
            assert "1000 bytes" in answer.json()["errors"][0]
        fits = await client.patch(DELIVERY, content=b"{}" + b" " * 998)
        assert fits.status_code == 202


async def test_ten_megabytes_through_a_real_server(runtime, key):
    async with (
        serving(make_app(runtime)) as address,
        patient_client(base_url=address, headers={"X-Auth-Token": key}) as client,
    ):
        for method, path, status in (
            ("PATCH", "/api/v2/external/back_in_stock/settings", 413),
            ("POST", "/mcp", 413),
            # Nobody reads it here.
            ("PATCH", "/nope", 404),
        ):
            answer = await client.request(method, path, content=b"x" * 10_485_760)
            assert answer.status_code == status
        assert (await client.get("/healthz")).status_code == 200


async def test_readiness_needs_the_newest_migration_or_a_newer_one(client, database, runtime):
    async def ready():
        return await client.get(httpx.URL("http://shop.test/readyz"))

    assert (await ready()).json()["status"] == "ready"
    await database.call("UPDATE alembic_version SET version_num = '0001_foundation'")
    behind = await ready()
    assert behind.status_code == 503
    assert "openstoq migrate" in behind.json()["errors"][0]
    await database.call("UPDATE alembic_version SET version_num = 'of a newer release'")
    assert (await ready()).status_code == 200
    await database.call("DROP TABLE alembic_version")
    assert (await ready()).status_code == 503


@pytest.mark.parametrize("state", ["53100", "58030", "25006"])
async def test_a_full_disk_is_503_and_not_ready(database_url, database, key, state):
    refuse = f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'could not extend file "base/1/2"' USING ERRCODE = '{state}'; END $$
    """
    await database.call(refuse)
    await database.call(
        "CREATE TRIGGER refuse BEFORE INSERT ON back_in_stock_settings "
        "FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    pool = await Database.connect(database_url, size=1)
    async with client_of(make_app(make_runtime(pool)), key) as client:
        at = httpx.URL("http://shop.test/readyz")
        assert (await client.get(at)).status_code == 200
        answer = await client.patch(DELIVERY, json={"stock_threshold": 3})
        unready = await client.get(at)
        for refused in (answer, unready):
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) > 2
            assert "disk is full" in refused.json()["errors"][0]
            assert "base/1/2" not in refused.text
        # What only reads goes on.
        assert (await client.get(SETTINGS)).status_code == 200
    await pool.close()


async def test_a_database_that_was_turned_read_only_is_not_ready(database_url):
    # As those do that host databases for others, when a disk is full.
    name = database_url.rpartition("/")[2]
    owner = await Database.connect(database_url, size=1)
    await owner.call(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await owner.close()
    pool = await Database.connect(database_url, size=1)
    async with client_of(make_app(make_runtime(pool)), base="") as client:
        for _ in range(2):
            answer = await client.get("/readyz")
            assert (answer.status_code, "disk is full" in answer.text) == (503, True)
    await pool.close()


async def test_who_asks_for_readiness_at_once_costs_one_look(database_url, database):
    """To see whether there is room writes a megabyte to the server's disk."""

    async def looks():
        name = database_url.rpartition("/")[2]
        row = await database.call(
            "SELECT temp_files FROM pg_stat_database WHERE datname = $1", name
        )
        return row["temp_files"]

    before = await looks()
    pool = await Database.connect(database_url, size=5)
    async with client_of(make_app(make_runtime(pool)), base="") as client:
        answers = await asyncio.gather(*(client.get("/readyz") for _ in range(30)))
    assert {answer.status_code for answer in answers} == {200}
    # Its counts are there at the latest when a server's process has ended.
    await pool.close()

    async def seen():
        return await looks() > before

    await until(seen)
    assert await looks() == before + 1


async def test_a_stopping_process_is_not_ready(client, runtime):
    runtime.stopping.set()
    answer = await client.get(httpx.URL("http://shop.test/readyz"))
    assert (answer.status_code, answer.json()["errors"]) == (503, ["the process is stopping"])


async def test_metrics_count_requests_and_the_queue(client, database):
    async with database.transaction(None) as db:
        await db.execute(
            "INSERT INTO queue.pgqueuer (priority, entrypoint, payload, status, created, updated, "
            "execute_after) VALUES (0, 'a job', '{}', 'queued', now(), now(), now())"
        )
    await client.get(SETTINGS)
    answer = await client.get(httpx.URL("http://shop.test/metrics"))
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert 'openstoq_queued_jobs{status="queued"} 1.0' in answer.text
    counted = 'openstoq_requests_total{action="back_in_stock.settings.read",face="v2",status="200"}'
    assert counted in answer.text


async def test_metrics_of_several_processes_are_added_up(client, monkeypatch, tmp_path):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    answer = await client.get(httpx.URL("http://shop.test/metrics"))
    assert answer.status_code == 200
    # This process counts in memory, for it began without the folder.
    assert "openstoq_requests_total" not in answer.text
    assert "openstoq_queued_jobs" in answer.text


async def test_a_problem_raised_by_any_endpoint_has_the_envelope(runtime):
    async def reads(request):
        return JSONResponse({"length": len(await request.body())})

    app = make_app(limited(runtime.database, 10), routes=[Route("/reads", reads, methods=["POST"])])
    async with client_of(app, base="") as client:
        assert (await client.post("/reads", content=b"12345")).json() == {"length": 5}
        refused = await client.post("/reads", content=b"1" * 11)
        assert (refused.status_code, len(refused.json()["errors"])) == (413, 1)


async def test_two_processes_share_the_points_exactly(database, database_url, shop, key):
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE shops SET rate_points = 20")
    one, two = [await Database.connect(database_url, size=4) for _ in range(2)]
    try:
        async with (
            serving(make_app(make_runtime(one))) as first,
            serving(make_app(make_runtime(two))) as second,
            patient_client(headers={"X-Auth-Token": key}) as client,
        ):
            answers = await asyncio.gather(
                *(
                    client.get(f"{address}/api/v2/external{SETTINGS}")
                    for address in (first, second) * 16
                )
            )
    finally:
        await one.close()
        await two.close()
    assert sorted(answer.status_code for answer in answers) == [200] * 20 + [429] * 12


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("0" * 5000 + "2", 202),
        ("9" * 5000, 413),
        ("9" * 20, 413),
        ("²", 202),
        ("-1", 202),
        ("+2", 202),
        ("", 202),
    ],
)
async def test_a_strange_length_is_no_fault(client, length, status):
    """Our server refuses most of these; another in front of the application may not."""
    headers = {"Content-Length": length.encode("latin-1")}
    assert (await client.patch(DELIVERY, content=b"{}", headers=headers)).status_code == status
    health = httpx.URL("http://shop.test/healthz")
    assert (await client.get(health, headers=headers)).status_code == 200
