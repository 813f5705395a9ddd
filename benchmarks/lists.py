"""Lists: GET of 25 sign-ups through API v2 against a bare endpoint with the same select.

    python benchmarks/lists.py --requests 4000 [--waiting 1000000]

It also prints the milliseconds of single requests: each filter of the list, and pages far down.

The bare endpoint is Starlette on uvicorn with one asyncpg pool. It has no key, no limits, no
validation and no row-level security.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Mapping
from itertools import repeat
from pathlib import Path

from load import rate_of, request
from openstoq.db.pool import Database
from openstoq.kernel.clock import utc_now
from openstoq.shops import store
from stage import PRODUCT, VARIANT, Stage, fill, stage, started, until_ready

API_PORT, BARE_PORT = 18420, 18421
LIST = "/api/v2/external/back_in_stock/signups"
PATH = f"{LIST}?per_page=25"


def queries(waiting: int) -> dict[str, str]:
    """Return the query of each single request, by what it shows."""
    pages = max(waiting // 50, 1)
    return {
        "plain": "",
        "pending": "status=pending",
        "blocked": "status=blocked",
        "variant": f"variant_id={VARIANT}",
        "product": f"product_id={PRODUCT}&status=pending",
        "email": f"email=shopper{waiting}@example.com",
        "part_of_email": f"email=hopper{waiting // 10}",
        "middle_page": f"page={max(pages // 2, 1)}",
        "last_page": f"page={pages}",
        "last_pending_page": f"status=pending&page={pages}",
    }


def milliseconds(port: int, asked: bytes, number: int = 15) -> float:
    """Return the median time of one request after another."""
    times = []
    for _ in range(number):
        began = time.perf_counter()
        rate_of(port, [asked])
        times.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(times), 1)


def rate(
    command: list[str],
    environment: dict[str, str],
    port: int,
    asked: bytes,
    number: int,
    *,
    singles: Mapping[str, bytes] | None = None,
) -> tuple[float, dict[str, float]]:
    """Start a server; return how many of these requests it answers per second, and single times."""
    server = started(command, environment)
    until_ready(f"http://127.0.0.1:{port}")
    rate_of(port, repeat(asked, 300))
    found = rate_of(port, repeat(asked, number))
    times = {name: milliseconds(port, single) for name, single in (singles or {}).items()}
    server.terminate()
    server.wait()
    return found, times


def key_of(made: Stage) -> str:
    """Return an API key of the shop, which gets unlimited points."""
    made.run("UPDATE shops SET rate_points = 1000000000")

    async def make() -> str:
        database = await Database.connect(made.url, size=1)
        async with database.transaction(made.shop_id) as db:
            key = await store.add_key(db, made.shop_id, name="benchmark", now=utc_now())
        await database.close()
        return key

    return asyncio.run(make())


def main() -> None:
    """Print one JSON object: both rates and the ratio between them, from this one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=4_000)
    parser.add_argument("--waiting", type=int, default=1_000, help="sign-ups of the shop")
    given = parser.parse_args()
    bare = str(Path(__file__).parent / "bare_endpoint.py")
    with stage() as made:
        fill(made, given.waiting)
        headers: Mapping[str, str] = {"X-Auth-Token": key_of(made)}
        singles = {
            name: request("GET", f"{LIST}?per_page=50&{query}", headers)
            for name, query in queries(given.waiting).items()
        }
        ours, times = rate(
            ["-m", "openstoq", "serve"],
            made.environment(OPENSTOQ_HTTP_PORT=str(API_PORT)),
            API_PORT,
            request("GET", PATH, headers),
            given.requests,
            singles=singles,
        )
        ceiling, _ = rate(
            [bare],
            made.environment(STAGE_SHOP=str(made.shop_id), STAGE_PORT=str(BARE_PORT)),
            BARE_PORT,
            request("GET", "/list", {}),
            given.requests,
        )
    result = {
        "waiting": given.waiting,
        "lists_per_s": round(ours),
        "bare_endpoint_per_s": round(ceiling),
        "ratio_to_bare_endpoint": round(ours / ceiling, 2),
        "single_ms": times,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
