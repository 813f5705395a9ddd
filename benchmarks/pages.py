"""Pages: /help, OpenAPI and the health page against a bare endpoint, and what a process costs.

    python benchmarks/pages.py --requests 4000

The bare endpoint is Starlette on uvicorn and answers with nothing. Against it stands what every
request of ours pays, and what a page about the API costs besides: one key for /help, none for the
others. Processes are compared with a Python that does nothing.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from itertools import repeat
from pathlib import Path

from lists import key_of
from load import rate_of, request
from openstoq.actions.help import BASE_PATH
from stage import Stage, stage, started, until_ready

API_PORT, BARE_PORT = 18430, 18431
GZIP = {"Accept-Encoding": "gzip"}


def rates(
    command: list[str],
    environment: dict[str, str],
    port: int,
    asked: Mapping[str, bytes],
    number: int,
) -> dict[str, float]:
    """Start a server and return, for each kind of request, how many it answers per second."""
    server = started(command, environment)
    until_ready(f"http://127.0.0.1:{port}")
    found = {}
    for name, one in asked.items():
        rate_of(port, repeat(one, 300))
        found[name] = rate_of(port, repeat(one, number))
    server.terminate()
    server.wait()
    return found


def pages_of(made: Stage) -> dict[str, bytes]:
    """Return a request for each page of ours."""
    key = {"X-Auth-Token": key_of(made)}
    return {
        "help": request("GET", f"{BASE_PATH}/help", {**key, **GZIP}),
        "help_of_a_level": request("GET", f"{BASE_PATH}/preorders/offers/1/help", {**key, **GZIP}),
        "openapi": request("GET", "/openapi.json", GZIP),
        "openapi_plain": request("GET", "/openapi.json", {}),
        "health": request("GET", "/healthz", {}),
    }


def cpu_of(*arguments: str) -> float:
    """Return the seconds of CPU that a Python takes, the best of five runs."""
    runs = []
    for _ in range(5):
        process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
        _, _, used = os.wait4(process.pid, 0)
        runs.append(used.ru_utime + used.ru_stime)
    return min(runs)


def main() -> None:
    """Print one JSON object: rates, their ratios to the bare endpoint, and the cost of processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=4_000)
    given = parser.parse_args()
    bare = str(Path(__file__).parent / "bare_endpoint.py")
    with stage() as made:
        ours = rates(
            ["-m", "openstoq", "serve"],
            made.environment(OPENSTOQ_HTTP_PORT=str(API_PORT)),
            API_PORT,
            pages_of(made),
            given.requests,
        )
        ceiling = rates(
            [bare],
            made.environment(STAGE_SHOP=str(made.shop_id), STAGE_PORT=str(BARE_PORT)),
            BARE_PORT,
            {"bare": request("GET", "/readyz", {})},
            given.requests,
        )["bare"]
    nothing, listed = cpu_of("-c", "pass"), cpu_of("-m", "openstoq", "--help")
    result = {
        "bare_endpoint_per_s": round(ceiling),
        "pages_per_s": {name: round(rate) for name, rate in ours.items()},
        "ratio_to_bare_endpoint": {name: round(rate / ceiling, 2) for name, rate in ours.items()},
        "milliseconds_beyond_bare_endpoint": {
            name: round(1000 / rate - 1000 / ceiling, 2) for name, rate in ours.items()
        },
        "list_of_commands_cpu_s": round(listed, 3),
        "ratio_to_python_alone": round(listed / nothing, 1),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
