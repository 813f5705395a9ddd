"""A worker on the real queue: retries, schedules, stops, lost connections and killed processes."""

import io
import json
from dataclasses import replace

import asyncpg
import pytest

from openstoq.kernel.logging import configure
from openstoq.shops import store
from tests.factories import probes
from tests.factories.patience import until
from tests.factories.probes import notes, working
from tests.factories.shops import make_shop
from tests.jobs.workers import empty, enqueue, noted, states


async def test_a_job_runs_with_its_arguments(database, database_url, runtime, shop):
    await enqueue(runtime, shop, probes.write, word="before")
    async with working(runtime, database_url):
        await noted(database, shop, "before")
        await enqueue(runtime, shop, probes.write, word="after")
        await noted(database, shop, "before", "after")
        await empty(database)


async def test_a_failed_attempt_is_repeated(database, database_url, runtime, shop):
    await enqueue(runtime, shop, probes.fail_once)
    async with working(runtime, database_url):
        await noted(database, shop, "attempt 0", "attempt 1")
        await empty(database)


async def test_after_its_attempts_a_job_has_blocks_as_failed(database, database_url, runtime, shop):
    await enqueue(runtime, shop, probes.fail_always)
    async with working(runtime, database_url):

        async def is_held():
            return await states(database) == {"failed": 1}

        await until(is_held)
    assert await notes(database, shop) == ["failing"]


async def test_a_full_disk_is_no_failure_of_a_job(database, database_url, runtime, shop):
    await database.call(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'no space left' USING ERRCODE = 'disk_full'; END $$
        """
    )
    await database.call(
        "CREATE TRIGGER refuse BEFORE INSERT ON locations FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    await enqueue(runtime, shop, probes.write_at_once, word="there is room")
    async with working(runtime, database_url):

        async def is_put_off():
            row = await database.call("SELECT status, attempts FROM queue.pgqueuer")
            assert row["status"] != "failed"
            return (row["status"], row["attempts"]) == ("queued", 1)

        await until(is_put_off)
        await database.call("DROP TRIGGER refuse ON locations")
        await database.call("UPDATE queue.pgqueuer SET execute_after = now()")
        await noted(database, shop, "there is room")
        await empty(database)


# What the queue writes about a job that is under way, and the database may have no room for.
ABOUT_A_JOB = {
    "its begin": "OLD.dedupe_key IS NOT NULL AND NEW.dedupe_key IS NULL",
    "its repetition": "OLD.status = 'picked' AND NEW.status = 'queued'",
}


@pytest.mark.parametrize("code", ["disk_full", "deadlock_detected", "query_canceled"])
@pytest.mark.parametrize("what", ABOUT_A_JOB)
async def test_a_job_is_not_put_aside_for_what_the_queue_cannot_write(
    database, database_url, runtime, shop, what, code
):
    """One run's job takes no attempts, so that any failure that counted would be its last."""
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute(
            f"""
            CREATE SEQUENCE refusals;
            GRANT ALL ON refusals TO openstoq_app;
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN
                IF nextval('refusals') < 3 THEN
                    RAISE 'not now' USING ERRCODE = '{code}';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse BEFORE UPDATE ON queue.pgqueuer FOR EACH ROW
            WHEN ({ABOUT_A_JOB[what]}) EXECUTE FUNCTION refuse();
            """
        )
        job = probes.write if what == "its begin" else probes.ask_again
        arguments = {"word": "begun"} if what == "its begin" else {}
        async with runtime.work(shop.id, request_id="test") as work:
            work.enqueue(job.once(), **arguments)
        async with working(runtime, database_url):

            async def is_done():
                # What is put off until there is room comes at once.
                await owner.execute(
                    "UPDATE queue.pgqueuer SET execute_after = now() WHERE status = 'queued'"
                )
                found = await states(database)
                assert "failed" not in found
                return found == {}

            await until(is_done)
        assert await owner.fetchval("SELECT last_value FROM refusals") >= 3
    finally:
        await owner.close()


async def test_the_line_of_a_failed_job_says_where_and_not_what(
    database, database_url, runtime, shop
):
    await enqueue(runtime, shop, probes.fail_about, contact="ada")
    stream = io.StringIO()
    configure("json", "info", stream=stream)
    async with working(runtime, database_url):

        async def is_held():
            return await states(database) == {"failed": 1}

        await until(is_held)
    assert "nobody is called ada" not in stream.getvalue()
    (line,) = [one for one in map(json.loads, stream.getvalue().splitlines()) if "error" in one]
    assert (line["event"], line["error"]) == ("job.failed", "LookupError")
    kept = await database.call(
        "SELECT traceback::text FROM queue.pgqueuer_log WHERE status = 'failed'"
    )
    assert "nobody is called ada" in kept["traceback"]


async def test_a_job_may_ask_to_be_run_again(database, database_url, runtime, shop):
    await enqueue(runtime, shop, probes.ask_again)
    async with working(runtime, database_url):
        await noted(database, shop, "attempt 0", "attempt 1", "attempt 2")
        await empty(database)


async def test_a_job_knows_how_often_it_may_have_done_its_work(
    database, database_url, runtime, shop
):
    await enqueue(runtime, shop, probes.repeat)
    async with working(runtime, database_url):
        repeats = enumerate((0, 0, 1, 1, 2))
        await noted(database, shop, *(f"attempt {n}, repeat {repeat}" for n, repeat in repeats))
        await empty(database)


async def test_to_ask_for_another_run_is_no_failure(database, database_url, runtime, shop):
    await enqueue(runtime, shop, probes.fail_after_asking)
    async with working(runtime, database_url):
        await noted(database, shop, *(f"attempt {n}" for n in range(5)))
        await empty(database)


async def test_a_job_that_is_begun_anew_by_hand_has_its_attempts_again(
    database, database_url, runtime, shop
):
    await enqueue(runtime, shop, probes.fail_once)
    async with database.transaction(None) as db:
        await db.execute(
            """
            UPDATE queue.pgqueuer SET payload = convert_to(
                (convert_from(payload, 'UTF8')::jsonb || '{"failures": 13}')::text, 'UTF8')
            """
        )
    async with working(runtime, database_url):
        await noted(database, shop, "attempt 0", "attempt 1")
        await empty(database)


async def test_a_job_may_give_up(database, database_url, runtime, shop):
    await enqueue(runtime, shop, probes.give_up)
    async with working(runtime, database_url):
        await noted(database, shop, "giving up")
        await empty(database)


async def test_what_changes_while_a_coalesced_job_runs_has_it_run_again(
    database, database_url, runtime, shop
):
    async def coalesce():
        async with runtime.work(shop.id, request_id="test") as work:
            work.enqueue(probes.wait_for.once(), word="go")

    await coalesce()
    async with working(runtime, database_url):
        await noted(database, shop, "started 0")
        await coalesce()
        await noted(database, shop, "started 0", "started 0")
        await enqueue(runtime, shop, probes.write, word="go")
        await empty(database)
    assert (await notes(database, shop)).count("ended") == 2


@pytest.mark.parametrize("uninstalled", [False, True])
async def test_a_schedule_that_came_due_meanwhile_has_blocks_for_every_shop_it_is_for(
    database, database_url, runtime, shop, uninstalled
):
    job = replace(probes.on_schedule, uninstalled=uninstalled)
    other = await make_shop(database, "other.myshopify.com")
    gone = await make_shop(database, "gone.myshopify.com")
    async with database.transaction(gone.id) as db:
        await store.mark_uninstalled(db, gone.id, gone.installed_at)
    async with database.transaction(None) as db:
        await db.execute(
            """
            INSERT INTO queue.pgqueuer_schedules (expression, entrypoint, next_run)
            VALUES ($1, $2, now() - interval '1 hour')
            """,
            probes.on_schedule.cron,
            probes.on_schedule.name,
        )
    async with working(runtime, database_url, [job]):
        await noted(database, shop, "scheduled")
        await noted(database, other, "scheduled")
        await empty(database)
    assert await notes(database, gone) == (["scheduled"] if uninstalled else [])
