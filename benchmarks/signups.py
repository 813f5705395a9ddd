"""Sign-ups: POST /api/v1/intents against a bare endpoint and pgbench with the same insert.

    python benchmarks/signups.py --requests 6000 [--waiting 100000]

The bare endpoint is Starlette on uvicorn with one asyncpg pool and nothing else: no limits, no
validation, no audit. pgbench is PostgreSQL alone.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import uvloop

from openstoq.back_in_stock.signups.projections import INTENT
from openstoq.back_in_stock.signups.store import ADD
from openstoq.db.embedded.binaries import find_binaries
from stage import DOMAIN, PRODUCT, VARIANT, Stage, fill, stage, started, until_ready

API_PORT, BARE_PORT = 18410, 18411
CONNECTIONS = 16


async def load(port: int, path: str, number: int, body_of: Callable[[int], bytes]) -> float:
    """Post `number` bodies over CONNECTIONS kept connections; return requests per second."""
    numbers = iter(range(number))

    async def lane() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for one in numbers:
            body = body_of(one)
            writer.write(
                b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"X-Shopify-Shop-Domain: %s\r\nContent-Length: %d\r\n\r\n%s"
                % (path.encode(), DOMAIN.encode(), len(body), body)
            )
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 201 " not in head[:16]:
                raise RuntimeError(head.decode())
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
            await reader.readexactly(length)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(CONNECTIONS)))
    return number / (time.perf_counter() - began)


def intent(one: int) -> bytes:
    """Return the documented body, with a shopper of its own."""
    return json.dumps(
        {
            "intent": {
                "shopify_variant_id": VARIANT,
                "shopify_product_id": PRODUCT,
                "channel": "email",
                "quantity": 1,
                "source": "api",
            },
            "customer": {"email": f"new{one}-{os.getpid()}@example.com", "name": "Alex Shopper"},
        }
    ).encode()


def warm_up(made: Stage, port: int, path: str, first: int) -> None:
    """Send a few requests, and have the server's statistics know of them as autovacuum would."""
    uvloop.run(load(port, path, 500, lambda one: intent(first - one)))
    made.run("ANALYZE")


def ours(made: Stage, requests: int) -> float:
    """Return sign-ups per second through the API."""
    environment = made.environment(
        OPENSTOQ_HTTP_PORT=str(API_PORT), OPENSTOQ_LIMITS_ADDRESS_POINTS="1000000000"
    )
    api = started(["-m", "openstoq", "serve"], environment)
    until_ready(f"http://127.0.0.1:{API_PORT}")
    warm_up(made, API_PORT, "/api/v1/intents", -1)
    rate = uvloop.run(load(API_PORT, "/api/v1/intents", requests, intent))
    api.terminate()
    api.wait()
    return rate


def bare(made: Stage, requests: int) -> float:
    """Return sign-ups per second of an endpoint that does the insert and nothing else."""
    environment = made.environment(STAGE_SHOP=str(made.shop_id), STAGE_PORT=str(BARE_PORT))
    server = started([str(Path(__file__).parent / "bare_endpoint.py")], environment)
    until_ready(f"http://127.0.0.1:{BARE_PORT}")
    warm_up(made, BARE_PORT, "/bare", -1_000_000)
    rate = uvloop.run(load(BARE_PORT, "/bare", requests, lambda one: intent(one + 10_000_000)))
    server.terminate()
    server.wait()
    return rate


def pgbench(made: Stage, seconds: int) -> float:
    """Return inserts per second of PostgreSQL alone, by as many clients."""
    statement = ADD.replace("{projection}", INTENT)
    values = {
        1: f"'{made.shop_id}'::uuid",
        2: "gen_random_uuid()",
        3: "gen_random_uuid()",
        4: "'email:' || gen_random_uuid()",
        5: "'email'",
        6: "gen_random_uuid()::text",
        7: str(VARIANT),
        8: str(PRODUCT),
        10: "1",
        11: "'pgbench'",
        17: "now()",
        18: "false",
    }
    for number in range(18, 0, -1):
        statement = statement.replace(f"${number}", values.get(number, "NULL"))
    script = made.folder / "insert.sql"
    script.write_text(" ".join(statement.split()) + ";\n", encoding="utf-8")
    script.chmod(0o644)
    made.folder.chmod(0o755)
    program = find_binaries(None).folder / "pgbench"
    printed = subprocess.run(
        [
            program,
            "-n",
            "-c",
            str(CONNECTIONS),
            "-j",
            "1",
            "-T",
            str(seconds),
            "-f",
            script,
            made.url,
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (line,) = [line for line in printed.splitlines() if line.startswith("tps")]
    return float(line.split()[2])


def main() -> None:
    """Print one JSON object: the three rates and the ratios between them, from this one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=6_000)
    parser.add_argument("--waiting", type=int, default=0, help="sign-ups that wait already")
    given = parser.parse_args()
    with stage() as made:
        if given.waiting:
            fill(made, given.waiting)
        rates = {
            "signups_per_s": ours(made, given.requests),
            "bare_endpoint_per_s": bare(made, given.requests),
            "pgbench_per_s": pgbench(made, 5),
        }
    result = {name: round(rate) for name, rate in rates.items()}
    for name in ("bare_endpoint", "pgbench"):
        result[f"ratio_to_{name}"] = round(rates["signups_per_s"] / rates[f"{name}_per_s"], 2)
    sys.stdout.write(json.dumps({"waiting": given.waiting, **result}) + "\n")


if __name__ == "__main__":
    main()
