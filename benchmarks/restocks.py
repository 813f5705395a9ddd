"""A burst of restocks: many variants are back at once, and one shopper waits for each.

    python benchmarks/restocks.py --variants 2000

Every restock comes as a webhook of its own, as when a shop imports a stock list. Beside it, one
restock with as many shoppers is played: the ratio says what a restock costs more than a message.
"""

import argparse
import asyncio
import json
import time
from typing import Any

import httpx

from stage import (
    ITEM,
    PRODUCT,
    VARIANT,
    Processes,
    Stage,
    cpu_seconds,
    fill,
    stage,
    stock_webhook,
)

AT_ONCE = 20
APART = 10


def spread(made: Stage, variants: int) -> None:
    """Make variants that are sold out, and give each of the waiting shoppers one of them."""
    made.run(
        """
        INSERT INTO variants (shop_id, id, product_id, title, price, inventory_item_id,
            inventory_policy, tracked, position, updated_at, available, sold_out_at)
        SELECT $1, $2::bigint + n * $5::integer, $3, 'Size ' || n, 499, $4::bigint + n * $5::integer, 'deny', true, n + 1, now(), 0,
               now()
        FROM generate_series(1, $6::integer - 1) n
        """,
        made.shop_id,
        VARIANT,
        PRODUCT,
        ITEM,
        APART,
        variants,
    )
    made.run(
        """
        UPDATE signups s SET variant_id = $2::bigint + numbered.n * $3::integer
        FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM signups WHERE shop_id = $1)
             AS numbered
        WHERE s.shop_id = $1 AND s.id = numbered.id
        """,
        made.shop_id,
        VARIANT,
        APART,
    )
    made.run("VACUUM ANALYZE")


async def post_all(address: str, variants: int) -> None:
    """Post the webhook of each variant, so many at once."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def post(number: int) -> None:
        body, headers = stock_webhook(1, item=ITEM + number * APART)
        async with limit:
            response = await http.post("/webhooks/shopify", content=body, headers=headers)
        response.raise_for_status()

    async with httpx.AsyncClient(base_url=address, timeout=60) as http:
        await asyncio.gather(*(post(number) for number in range(variants)))


def play(made: Stage, variants: int, *, is_burst: bool) -> dict[str, Any]:
    """Play the burst, or one restock of the first variant; return its figures."""
    with Processes(made) as ours:
        if is_burst:
            spread(made, variants)
        before = cpu_seconds(ours.worker.pid), cpu_seconds(made.postgres_pid)
        began = time.time()
        asyncio.run(post_all(ours.address, variants if is_burst else 1))
        posted = time.time() - began
        counts = ours.all_sent(variants)
        after = cpu_seconds(ours.worker.pid), cpu_seconds(made.postgres_pid)
    seconds = counts["last_at"] - began
    return {
        "posted_s": round(posted, 2),
        "last_mail_s": round(seconds, 2),
        "mails_per_s": round(variants / seconds),
        "worker_cpu_us_per_mail": round(1e6 * (after[0] - before[0]) / variants),
        "postgres_cpu_us_per_mail": round(1e6 * (after[1] - before[1]) / variants),
    }


def main() -> None:
    """Print one JSON object: both plays, and the ratio of their rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=2_000)
    given = parser.parse_args()
    results = {}
    for name, is_burst in (("one_restock", False), ("burst", True)):
        with stage() as made:
            fill(made, given.variants)
            results[name] = play(made, given.variants, is_burst=is_burst)
    ratio = results["burst"]["mails_per_s"] / results["one_restock"]["mails_per_s"]
    print(json.dumps({**results, "ratio_to_one_restock": round(ratio, 3)}))


if __name__ == "__main__":
    main()
