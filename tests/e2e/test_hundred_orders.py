"""A hundred orders of every kind, while webhooks are lost, repeated and late: all books agree."""

import random
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from openstoq.preorders.orders.jobs import reconcile
from openstoq.preorders.orders.payments.charges import collect_due
from tests.e2e.audit import books_agree
from tests.e2e.books import UNITS
from tests.e2e.kinds import EDITED, KINDS, written
from tests.e2e.stack import Stack, gathered
from tests.e2e.steps import OVER
from tests.e2e.stories import Shelf, Story

NO_HOLD = {"fulfillment": {"hold": False}}
PRICES = {"USD": "19.99", "JPY": "1999", "KWD": "6.667"}


async def _shelves(stack: Stack, currency: str) -> dict[str, Shelf]:
    """Offer something of every kind."""
    price = Decimal(PRICES[currency])
    limits = {"per_order": {"max": 2}}
    wanted: dict[str, tuple[int, dict[str, Any]]] = {
        "drop": (30, {}),
        "second": (33, {"checkout": {"order_tags": ["second"]}}),
        "sent": (
            45,
            {
                "payments": {"remaining_balance": {"auto_collect_on_fulfillment": True}},
                "shipping": NO_HOLD,
            },
        ),
        "split": (
            20,
            {
                "shipping": {
                    "fulfillment": {"hold": False, "split": {"enabled": True, "tag": "apart"}}
                }
            },
        ),
        "named": (20, {}),
        "few": (20, {"limits": limits}),
        "strict": (20, {"limits": {**limits, "on_exceed": "cancel"}}),
        "lax": (15, {"limits": {**limits, "on_exceed": "accept"}}),
    }
    prices = [str(price + number * 100 * UNITS[currency]) for number in range(len(wanted) + 1)]
    variants = await stack.variants(*prices)
    await stack.control("POST", "stock", variant_id=variants[-1], available=1000)
    await stack.settled()
    offers = {
        name: await stack.offer([variant], deposit=deposit, **documents)
        for (name, (deposit, documents)), variant in zip(wanted.items(), variants, strict=False)
    }
    await stack.settled()
    await stack.ask("POST", f"{offers['named'].at}/advanced/detach_from_shopify_selling_plan")
    await stack.settled()
    shelves = {"stock": Shelf("stock", Decimal(prices[-1]), variants[-1], None, {})}
    for number, (name, (deposit, documents)) in enumerate(wanted.items()):
        told = await stack.ask("GET", offers[name].at)
        plans = {
            option: told["shopify"][f"{option}_plan_id"]
            for option in ("full", "partial")
            if name != "named"
        }
        shelves[name] = Shelf(
            name,
            Decimal(prices[number]),
            variants[number],
            offers[name],
            plans,
            percent=deposit,
            holds=documents.get("shipping") is None,
            tags=(*told["checkout"]["order_tags"], *(["apart"] if name == "split" else [])),
        )
    return shelves


async def _weather(stack: Stack, chance: random.Random) -> str:
    """Choose what goes wrong in a round."""
    weather = chance.choice(("calm", "twice", "late", "lost"))
    if weather != "calm":
        fault = {"twice": "duplicate", "late": "hold", "lost": "drop"}[weather]
        await stack.control("POST", "faults", on="webhooks", fault=fault, count=60)
    if chance.random() < 0.7:
        told = chance.choice(
            ({"fault": "throttled"}, {"fault": "status"}, {"fault": "close"}, {"fault": "lose"})
        )
        await stack.control("POST", "faults", count=2, **told)
    return weather


async def _begin_unheard(stack: Stack, stories: list[Story]) -> None:
    """Have late stories begin and go on, and be heard of only then."""
    await stack.control("POST", "faults", on="webhooks", fault="drop", count=10_000)
    for story in stories:
        for step in (story.steps.pop(0), story.steps.pop(0)):
            await step(story)
    await stack.settled()
    await stack.control("DELETE", "faults")
    await stack.enqueue(reconcile)
    await stack.settled()


async def _play(stack: Stack, stories: list[Story], chance: random.Random) -> None:
    """Have every story's next step happen, all of them at once, round after round."""
    await _begin_unheard(stack, [story for story in stories if story.kind.startswith("late")])
    begins = {id(story): chance.randrange(2) for story in stories}
    number = 0
    while any(story.steps for story in stories):
        weather = await _weather(stack, chance)
        acting = [story for story in stories if story.steps and begins[id(story)] <= number]
        chance.shuffle(acting)
        await gathered(*(story.steps.pop(0)(story) for story in acting))
        await stack.settled()
        if weather == "late":
            await stack.control("POST", "faults/release", reverse=True)
        await stack.control("DELETE", "faults")
        for job in (reconcile, collect_due) if weather == "lost" else (collect_due,):
            await stack.settled()
            await stack.enqueue(job)
        await stack.settled()
        number += 1


async def _audit(story: Story, charges: list[dict[str, Any]]) -> None:
    """See that an order is what its books say, with us and in the shop."""
    stack, books, order_id = story.stack, story.books, story.order["id"]
    told, shown, _ = await books_agree(stack, order_id, charges)
    assert told["state"] == books.state, story
    expected = {"received": books.came, "refunded": books.back, "outstanding": books.owed}
    for name, amount in expected.items():
        assert Decimal(shown[name]) == amount, (str(story), name, shown[name], amount)

    assert books.tags <= set(shown["tags"]), (str(story), shown["tags"])
    assert (OVER in shown["tags"]) == (OVER in books.tags), story
    parcels = (await stack.control("GET", f"orders/{order_id}/fulfillment"))["fulfillment_orders"]
    holders = [hold["by"] for one in parcels for hold in one["holds"]]
    is_held = books.held and books.is_open
    assert ("app" in holders, told["any_held"]) == (is_held, is_held), (str(story), holders)
    assert ("another_app" in holders) == books.others_hold, (str(story), holders)


async def _counts_agree(stack: Stack, shelves: dict[str, Shelf], stories: list[Story]) -> None:
    """See that what was counted of each variant is the sum of what its orders count."""
    for name, shelf in shelves.items():
        if shelf.offer is None:
            continue
        expected = sum(story.books.counted(name) for story in stories)
        told = await stack.ask("GET", f"/preorders/product_variants/{shelf.variant}")
        assert told["preorder_count"] == expected, name
        (row,) = await stack.query(
            "SELECT coalesce(sum(counted), 0) AS units FROM preorder_lines WHERE variant_id = $1",
            shelf.variant,
        )
        assert row["units"] == expected, name
        seen = await stack.control("GET", f"variants/{shelf.variant}/preorder")
        metafields = {one["key"]: one["value"] for one in seen["metafields"]}
        assert metafields["preorder_count"] == str(expected), name


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("currency", "kinds", "number", "seed"),
    [
        ("USD", KINDS, 100, 20_261),
        ("KWD", EDITED, 10, 13),
        ("JPY", KINDS, 10, 11),
    ],
    ids=["USD", "KWD", "JPY"],
)
async def test_a_hundred_orders_and_every_book_agrees(
    stack: Stack, currency: str, kinds: Iterable[str], number: int, seed: int
):
    # A failure is played again with its seed.
    print(f"seed {seed}")  # noqa: T201 - as above
    await stack.open(workers=2, currency=currency)
    shelves = await _shelves(stack, currency)
    stories = written(stack, shelves, currency, seed, number, kinds)
    await _play(stack, stories, random.Random(seed))  # noqa: S311 - the same at every run
    # What no webhook told of is found, and nothing else changes by it.
    await stack.enqueue(reconcile)
    await stack.settled()
    charges = (await stack.control("GET", "charges"))["charges"]
    audits = await gathered(*(_audit(story, charges) for story in stories), return_exceptions=True)
    wrong = [one for one in audits if one is not None]
    assert not wrong, "\n\n".join(map(str, wrong))
    await _counts_agree(stack, shelves, stories)
    assert await stack.count("preorder_orders") == number
