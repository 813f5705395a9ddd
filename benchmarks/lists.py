"""Lists: GET of 25 sign-ups through API v2 against a bare endpoint with the same select.

    python benchmarks/lists.py --requests 4000 [--waiting 1000]

The bare endpoint is Starlette on uvicorn with one asyncpg pool. It has no key, no limits, no
validation and no row-level security.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from itertools import repeat
from pathlib import Path

from load import rate_of, request
from openstoq.db.pool import Database
from openstoq.kernel.clock import utc_now
from openstoq.shops import store
from stage import Stage, fill, stage, started, until_ready

API_PORT, BARE_PORT = 18420, 18421
PATH = "/api/v2/external/back_in_stock/signups?per_page=25"


def rate(
    command: list[str], environment: dict[str, str], port: int, asked: bytes, number: int
) -> float:
    """Start a server and return the number of these requests that it answers per second."""
    server = started(command, environment)
    until_ready(f"http://127.0.0.1:{port}")
    rate_of(port, repeat(asked, 300))
    found = rate_of(port, repeat(asked, number))
    server.terminate()
    server.wait()
    return found


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
        ours = rate(
            ["-m", "openstoq", "serve"],
            made.environment(OPENSTOQ_HTTP_PORT=str(API_PORT)),
            API_PORT,
            request("GET", PATH, headers),
            given.requests,
        )
        ceiling = rate(
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
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
