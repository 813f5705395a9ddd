"""Sign-ups: POST /api/v1/intents against a bare endpoint and pgbench with the same insert.

    python benchmarks/signups.py --requests 6000 [--waiting 100000]

The bare endpoint is Starlette on uvicorn with one asyncpg pool. It has no limits, no validation and
no audit. pgbench measures PostgreSQL alone.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from load import CONNECTIONS, rate_of, request
from openstoq.back_in_stock.signups.new_signups import ADDED_BY_STRANGER
from openstoq.db.embedded.binaries import find_binaries
from stage import DOMAIN, PRODUCT, VARIANT, Stage, fill, stage, started, until_ready

API_PORT, BARE_PORT = 18410, 18411


def posted(path: str, body: bytes) -> bytes:
    """Return the request of a sign-up form with that body."""
    return request(
        "POST",
        path,
        {"Content-Type": "application/json", "X-Shopify-Shop-Domain": DOMAIN},
        body,
    )


def intent(one: int) -> bytes:
    """Return the documented body, with a shopper of its own for each number."""
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
    """Send a few requests, and update the server's statistics as autovacuum would."""
    rate_of(port, (posted(path, intent(first - one)) for one in range(500)))
    made.run("ANALYZE")


def ours(made: Stage, requests: int) -> float:
    """Return sign-ups per second through the API."""
    environment = made.environment(
        OPENSTOQ_HTTP_PORT=str(API_PORT),
        OPENSTOQ_LIMITS_ADDRESS_POINTS="1000000000",
        OPENSTOQ_LIMITS_SIGNUP_POINTS="1000000000",
    )
    api = started(["-m", "openstoq", "serve"], environment)
    until_ready(f"http://127.0.0.1:{API_PORT}")
    warm_up(made, API_PORT, "/api/v1/intents", -1)
    rate = rate_of(API_PORT, (posted("/api/v1/intents", intent(one)) for one in range(requests)))
    api.terminate()
    api.wait()
    return rate


def bare(made: Stage, requests: int) -> float:
    """Return sign-ups per second of an endpoint that only does the insert."""
    environment = made.environment(STAGE_SHOP=str(made.shop_id), STAGE_PORT=str(BARE_PORT))
    server = started([str(Path(__file__).parent / "bare_endpoint.py")], environment)
    until_ready(f"http://127.0.0.1:{BARE_PORT}")
    warm_up(made, BARE_PORT, "/bare", -1_000_000)
    others = range(10_000_000, 10_000_000 + requests)
    rate = rate_of(BARE_PORT, (posted("/bare", intent(one)) for one in others))
    server.terminate()
    server.wait()
    return rate


def pgbench(made: Stage, seconds: int) -> float:
    """Return inserts per second of PostgreSQL alone, with the same number of clients."""
    values = {
        "$1": f"'{made.shop_id}'::uuid",
        "$2": "gen_random_uuid()",
        "$3": "gen_random_uuid()",
        "$4": "('email:pgbench' || :shopper)",
        "$5": "'email'",
        "$6": "('pgbench' || :shopper)",
        "$7": str(VARIANT),
        "$8": str(PRODUCT),
        "$10": "1",
        "$11": "'pgbench'",
        "$17": "now()",
        "$18": "('pgbench' || :shopper)",
    }
    statement = re.sub(r"\$\d+", lambda found: values.get(found[0], "NULL"), ADDED_BY_STRANGER)
    script = made.folder / "insert.sql"
    shopper = "\\set shopper random(1, 1000000000000000)\n"
    script.write_text(f"{shopper}{' '.join(statement.split())};\n", encoding="utf-8")
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
    result: dict[str, float] = {name: round(rate) for name, rate in rates.items()}
    for name in ("bare_endpoint", "pgbench"):
        result[f"ratio_to_{name}"] = round(rates["signups_per_s"] / rates[f"{name}_per_s"], 2)
    sys.stdout.write(json.dumps({"waiting": given.waiting, **result}) + "\n")


if __name__ == "__main__":
    main()
