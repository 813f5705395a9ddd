"""Pages: /help, OpenAPI and the health page against a bare endpoint, and what a process costs.

    python benchmarks/pages.py --requests 2000

The bare endpoint is Starlette on uvicorn and answers with nothing. Against it stands what every
request of ours pays, and what a page about the API costs besides: one key for /help, none for the
others. Both servers are up at the same time and take turns, and what is compared is their CPU:
rates of the same server differ three times over where others use the machine too. Processes are
compared with a Python that does nothing.
"""

import argparse
import json
import os
import subprocess
import sys
from itertools import repeat
from pathlib import Path
from statistics import median

from lists import key_of
from load import rate_of, request
from openstoq.actions.help import BASE_PATH
from stage import Stage, stage, started, until_ready

API_PORT, BARE_PORT = 18430, 18431
GZIP = {"Accept-Encoding": "gzip"}


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Return the CPU that a process has used, from /proc."""
    fields = (
        Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    )
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def served(server: subprocess.Popen[bytes], port: int, asked: bytes, number: int) -> float:
    """Send the same request so many times; return the server's microseconds of CPU for each."""
    before = cpu_seconds(server)
    rate_of(port, repeat(asked, number))
    return (cpu_seconds(server) - before) / number * 1e6


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
    """Print one JSON object: CPU of each page, ratios to the bare endpoint, and of processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000, help="of each kind in each round")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    bare = str(Path(__file__).parent / "bare_endpoint.py")
    with stage() as made:
        ours = started(
            ["-m", "openstoq", "serve"], made.environment(OPENSTOQ_HTTP_PORT=str(API_PORT))
        )
        ceiling = started(
            [bare], made.environment(STAGE_SHOP=str(made.shop_id), STAGE_PORT=str(BARE_PORT))
        )
        for port in (API_PORT, BARE_PORT):
            until_ready(f"http://127.0.0.1:{port}")
        asked = {name: (ours, API_PORT, page) for name, page in pages_of(made).items()}
        asked["bare"] = (ceiling, BARE_PORT, request("GET", "/readyz", {}))
        for server, port, page in asked.values():
            served(server, port, page, 300)
        rounds = [
            {name: served(*one, given.requests) for name, one in asked.items()}
            for _ in range(given.rounds)
        ]
        for server in (ours, ceiling):
            server.terminate()
            server.wait()
    costs = {name: median(one[name] for one in rounds) for name in asked}
    nothing, listed = cpu_of("-c", "pass"), cpu_of("-m", "openstoq", "--help")
    result = {
        "cpu_us": {name: round(cost) for name, cost in costs.items()},
        "times_bare_endpoint": {
            name: round(cost / costs["bare"], 1) for name, cost in costs.items() if name != "bare"
        },
        "list_of_commands_cpu_s": round(listed, 3),
        "times_python_alone": round(listed / nothing, 1),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
