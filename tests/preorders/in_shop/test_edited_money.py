"""The money of orders with taxes, in two currencies, and after edits: to the cent, in a sandbox."""

from decimal import Decimal

import pytest

from tests.factories.preorders import assert_books_agree, payments

TAX = [{"title": "VAT", "rate": "0.2"}]


async def refunded(market, order, what="refund"):
    """Ask for a refund, and return what the shop paid back for it."""
    await market.ask(order, f"payments/{what}")
    return Decimal((await market.in_shop(order))["refunded"])


async def test_what_an_edit_adds_is_collected_before_the_order_goes_out(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.ask(order, "payments/charge_balance", mode="auto")
    before = await payments(market, order)
    await market.happen(order, "edit", custom=[{"title": "Engraving", "price": "40"}])
    told = await payments(market, order)
    assert told["deposit"] == before["deposit"]
    assert told["total_outstanding"] == "40.00"
    assert await market.state(order) == "awaiting_balance"
    assert "not collected" in await market.refusal(order, "release")
    await market.ask(order, "payments/send_collection_url")
    await market.happen(order, "pay")
    assert await market.state(order) == "balance_collected"
    await assert_books_agree(market, order)
    total = Decimal((await market.in_shop(order))["received"])
    assert await refunded(market, order) == total - 40
    await assert_books_agree(market, order)


async def test_units_that_an_edit_adds_are_counted_and_owed(market, plans, variants):
    order = await market.place((variants[0], plans["full"], 1))
    (line,) = (await market.in_shop(order))["lines"]
    await market.happen(order, "edit", lines=[{"id": line["id"], "quantity": 3}])
    told = await market.read(order)
    assert (told["state"], told["lines"][0]["counted"]) == ("awaiting_balance", 3)
    await market.ask(order, "payments/charge_balance", mode="manual")
    assert await market.state(order) == "balance_collected"
    await assert_books_agree(market, order)


@pytest.mark.parametrize("included", [True, False])
async def test_a_full_refund_of_a_mixed_order_pays_back_the_tax_of_the_preorder(
    market, plans, variants, included
):
    order = await market.place(
        (variants[0], plans["full"], 1),
        (variants[1], None, 1),
        taxes=TAX,
        taxes_included=included,
        shipping="10",
    )
    lines = (await market.read(order))["lines"]
    price = Decimal(lines[0]["unit_price"])
    expected = price if included else price * Decimal("1.2")
    assert Decimal(lines[0]["total"]) == expected
    assert await refunded(market, order) == expected
    await assert_books_agree(market, order)


@pytest.mark.parametrize("rate", ["0.9173", "1.0871", "7.4603"])
async def test_in_another_currency_a_deposit_is_a_deposit(market, plans, variants, rate):
    order = await market.place(
        (variants[0], plans["partial"], 1),
        (variants[1], plans["partial"], 2),
        presentment={"currency": "EUR", "rate": rate},
        taxes=TAX,
    )
    await market.ask(order, "payments/charge_balance", mode="auto")
    assert await market.state(order) == "balance_collected"
    ledger = (await market.read(order, "/payments"))["ledger"]
    assert [one["part"] for one in ledger] == ["deposit", "balance"]
    shown = await market.in_shop(order)
    await refunded(market, order, "refund_deposit")
    after = (await market.read(order, "/payments"))["ledger"]
    assert [(one["part"], one["amount"]) for one in after if one["kind"] == "refund"] == [
        ("deposit", ledger[0]["amount"])
    ]
    assert shown["outstanding"] in ("0.00", "0")


async def test_what_an_edit_adds_is_charged_to_the_card(market, plans, variants):
    order = await market.place((variants[0], plans["partial"], 1))
    await market.happen(order, "pay")
    await market.happen(order, "edit", custom=[{"title": "Engraving", "price": "40"}])
    await market.ask(order, "payments/charge_balance")
    assert [one["status"] for one in await market.charges()] == ["SUCCESS"]
    assert (await market.ledger(order))[-1] == ("balance", "auto", "40.00", "succeeded")
    assert await market.state(order) == "balance_collected"
    await assert_books_agree(market, order)


@pytest.mark.parametrize(
    ("currency", "rate"),
    [("EUR", "0.0917"), ("EUR", "0.9173"), ("JPY", "147.31"), ("KWD", "0.307")],
)
async def test_a_part_of_a_payment_is_refunded_once_in_another_currency(
    market, plans, variants, currency, rate
):
    order = await market.place(
        (variants[0], plans["full"], 1),
        (variants[1], None, 1),
        presentment={"currency": currency, "rate": rate},
        taxes=TAX,
    )
    await market.ask(order, "payments/refund")
    ledger = (await market.read(order, "/payments"))["ledger"]
    entries = [one for one in ledger if one["kind"] == "refund"]
    assert [(one["mode"], one["status"]) for one in entries] == [("refund", "succeeded")]
    assert entries[0]["shopify_transaction_id"] is not None
    assert await market.state(order) == "refunded"
    assert "paid back already" in await market.refusal(order, "payments/refund")


@pytest.mark.parametrize("part", [{}, {"amount": "10"}], ids=["whole", "a part"])
@pytest.mark.parametrize("rate", [None, "0.9173"], ids=["USD", "EUR"])
async def test_an_order_that_is_paid_before_it_is_read_is_as_one_read_in_time(
    market, plans, variants, part, rate
):
    facts = {"presentment": {"currency": "EUR", "rate": rate}} if rate else {}
    bought = (variants[0], plans["partial"], 2)
    late = await market.buy(bought, taxes=TAX, **facts)
    await market.unheard(late, "pay", **part)
    await market.tell(late)
    known = await market.place(bought, taxes=TAX, **facts)
    await market.happen(known, "pay", **part)
    records = []
    for order in (late, known):
        record = await payments(market, order)
        amounts = [
            (record[name]["amount"], record[name]["received"]) for name in ("deposit", "balance")
        ]
        records.append((amounts, await market.state(order)))
        if rate is None:
            await assert_books_agree(market, order)
    assert records[0] == records[1]
