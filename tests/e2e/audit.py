"""Whether an order's record with us and the shop's own are the same, to the cent."""

from collections import Counter
from decimal import Decimal
from typing import Any

from tests.e2e.stack import Stack

Found = dict[str, Any]


async def books_agree(
    stack: Stack, order_id: int, charges: list[Found]
) -> tuple[Found, Found, list[Found]]:
    """Compare our ledger of an order with the shop; return our order, the shop's, the ledger.

    `charges` are all that the shop was ever asked for.
    """
    told = await stack.ask("GET", f"/preorders/orders/{order_id}")
    shown = await stack.control("GET", f"orders/{order_id}")
    ledger = (await stack.ask("GET", f"/preorders/orders/{order_id}/payments"))["ledger"]
    assert told["sync"] == {"state": "synced", "error": None}, order_id
    for name in ("received", "refunded", "outstanding"):
        assert told["totals"][name] == shown[name], (order_id, name)

    done = [one for one in ledger if one["status"] == "succeeded"]
    came = sum(Decimal(one["amount"]) for one in done if one["kind"] != "refund")
    back = sum(Decimal(one["amount"]) for one in done if one["kind"] == "refund")
    assert (came, back) == (Decimal(shown["received"]), Decimal(shown["refunded"])), order_id
    # Every movement of money is in exactly one entry.
    moved = [
        (one["id"], one["amount"]) for one in shown["transactions"] if one["status"] == "SUCCESS"
    ]
    entered = [(one["shopify_transaction_id"], one["amount"]) for one in done]
    assert sorted(entered) == sorted(moved), order_id
    assert not [one for one in ledger if one["status"] in ("pending", "processing")], order_id

    asked = [one for one in charges if one["order_id"] == order_id]
    tried = Counter(one["key"].partition(":")[0] for one in asked)
    attempts = {one["id"]: one["attempts"] for one in ledger if one["mode"] == "auto"}
    assert tried == {entry: number for entry, number in attempts.items() if number}, order_id
    # What a card paid is in the entry that asked for it, and no card paid twice.
    paid_into = {one["shopify_transaction_id"]: one["id"] for one in done}
    taken = [one for one in asked if one["status"] == "SUCCESS"]
    assert len(taken) <= 1, order_id
    for one in taken:
        (made,) = one["transaction_ids"]
        assert paid_into[made] == one["key"].partition(":")[0], order_id
    return told, shown, ledger
