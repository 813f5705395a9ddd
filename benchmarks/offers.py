"""An offer of many variants, which is attached, synced to the shop, and listed meanwhile.

    python benchmarks/offers.py --variants 20000

The shop is the sandbox, with so many points that its throttle delays nothing. The points spent show
the time that Shopify would need, at 100 points a second.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable

import httpx

from stage import Demo, demo

PER_PRODUCT = 2_000


def fill(sandbox: httpx.Client, variants: int) -> list[int]:
    """Add products with many variants to the shop; return all of the shop's variants."""
    for start in range(0, variants, PER_PRODUCT):
        made = sandbox.post(
            "/products",
            json={"title": f"Many {start}", "options": ["No."], "variants": [{"options": ["0"]}]},
        )
        made.raise_for_status()
        count = min(PER_PRODUCT, variants - start) - 1
        added = sandbox.post(f"/products/{made.json()['id']}/variants", json={"count": count})
        added.raise_for_status()
    listed = sandbox.get("/products").json()["products"]
    return [variant["id"] for product in listed for variant in product["variants"]]


def until(look: Callable[[], bool], seconds: float) -> float:
    """Wait until `look()` is true; return the elapsed time."""
    began = time.perf_counter()
    while not look():
        if time.perf_counter() - began > seconds:
            raise TimeoutError
        time.sleep(0.1)
    return time.perf_counter() - began


def spent(sandbox: httpx.Client) -> tuple[float, int]:
    """Return the points and the calls that the shop has counted."""
    told = sandbox.get("/throttle").json()
    return told["spent"], told["queries"]


def measure(made: Demo, variants: int) -> dict[str, float]:
    """Attach, sync and list variants; return seconds, points, calls and the slowest read."""
    api, sandbox = made.api(), made.control()
    sandbox.patch("/throttle", json={"maximum": 10_000_000, "restore_rate": 1_000_000})
    ids = fill(sandbox, variants)
    pulled = until(
        lambda: made.scalar("SELECT count(*) FROM variants WHERE deleted_at IS NULL") >= len(ids),
        600,
    )
    until(made.is_idle, 600)
    offer = api.post("/preorders/offers", json={"name": "Benchmark"}).json()
    at = f"/preorders/offers/{offer['id']}"
    api.post(f"{at}/enable", json={})
    until(lambda: api.get(at).json()["sync"]["state"] == "synced", 60)
    points, calls = spent(sandbox)
    began = time.perf_counter()
    job = api.post(f"{at}/products/set_source_to_all", json={"confirm": True}).json()
    status = job["status_url"].split("/external")[1]
    attached = until(lambda: api.get(status).json()["status"] == "completed", 600)
    reads: list[float] = []

    def synced() -> bool:
        asked = time.perf_counter()
        told = api.get(at)
        listed = api.get(f"{at}/products/variants", params={"per_page": 100, "page": 3})
        reads.append((time.perf_counter() - asked) / 2)
        listed.raise_for_status()
        return bool(told.json()["sync"]["state"] == "synced")

    until(synced, 3600)
    seconds = time.perf_counter() - began
    points_after, calls_after = spent(sandbox)
    members = sandbox.get("/selling_plan_groups").json()["selling_plan_groups"][-1]["variant_ids"]
    if len(members) != len(ids):
        raise RuntimeError(f"{len(members)} of {len(ids)} variants are in the shop's group")
    reads.sort()
    return {
        "variants": len(ids),
        "pull_s": round(pulled, 1),
        "attach_s": round(attached, 2),
        "sync_s": round(seconds, 1),
        "points": round(points_after - points),
        "calls": calls_after - calls,
        "seconds_at_100_points": round((points_after - points) / 100),
        "read_ms_median": round(1000 * reads[len(reads) // 2], 1),
        "read_ms_slowest": round(1000 * reads[-1], 1),
    }


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=20_000)
    given = parser.parse_args()
    os.environ["OPENSTOQ_LIMITS_POINTS"] = "100000000"
    with demo() as made:
        result = measure(made, given.variants)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
