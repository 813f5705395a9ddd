"""Which lines of an order are preorders, and that their parts add up to the order's own totals."""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from openstoq.kernel.money import digits
from openstoq.preorders.offers.capabilities.advanced import Advanced
from openstoq.preorders.offers.capabilities.payments import Deposit
from openstoq.preorders.orders.intake import compose
from openstoq.preorders.orders.ledger import amounts
from openstoq.preorders.orders.recognition import matching
from openstoq.preorders.orders.recognition.matching import Match
from tests.factories.records import (
    NOON,
    money,
    offer,
    order_line,
    paid,
    preorder,
    preorder_line,
    sale,
    schedule,
    shop_order,
)

PLAN, FOREIGN_PLAN = 61, 99


def by_id(*offers):
    return {one.id: one for one in offers}


def naming(one, **facts):
    return order_line(properties={matching.OFFER_PROPERTY: str(one.id)}, **facts)


def detached(**facts):
    return offer(advanced=Advanced(use_shopify_selling_plan=False), **facts)


def found(order_lines, plans=(), offers=(), known=()):
    order = shop_order(lines=tuple(order_lines))
    matches = matching.match(order, dict(plans), by_id(*offers), known)
    return [(one.line.id, one.offer_id, one.payment, one.is_known) for one in matches]


def test_a_line_is_matched_by_its_selling_plan():
    one = offer()
    plans = {PLAN: (one.id, "partial"), 62: (one.id, "full")}
    sold = [order_line(1, plan_id=PLAN), order_line(2, plan_id=62), order_line(3)]
    assert found(sold, plans, [one]) == [
        (1, one.id, "partial", False),
        (2, one.id, "full", False),
    ]


def test_another_apps_plan_is_no_preorder_whatever_the_line_names():
    one = detached()
    assert found([order_line(plan_id=FOREIGN_PLAN)]) == []
    assert found([naming(one, plan_id=FOREIGN_PLAN)], offers=[one]) == []


def test_a_line_may_name_a_detached_offer_and_no_other():
    one, attached, gone = detached(), offer(), detached()
    assert found([naming(one)], offers=[one]) == [(1, one.id, "full", False)]
    assert found([naming(attached)], offers=[attached]) == []
    assert found([naming(gone)], offers=[one]) == []
    for text in ("", "not an offer", "0" * 31):
        assert found([order_line(properties={matching.OFFER_PROPERTY: text})], offers=[one]) == []


def test_the_plan_counts_more_than_what_the_line_names():
    one, named = offer(), detached()
    plans = {PLAN: (one.id, "full")}
    assert found([naming(named, plan_id=PLAN)], plans, [one, named]) == [(1, one.id, "full", False)]


def test_a_known_line_keeps_its_offer():
    before, now = offer(), offer()
    known = preorder_line(1, before.id)
    plans = {PLAN: (now.id, "full")}
    assert found([order_line(1, plan_id=PLAN)], plans, [now], [known]) == [
        (1, before.id, "partial", True)
    ]
    assert found([order_line(1, variant_id=None)], known=[known])[0][1] == before.id


def test_a_line_without_a_variant_is_nobodys_preorder():
    one = offer()
    assert found([order_line(plan_id=PLAN, variant_id=None)], {PLAN: (one.id, "full")}, [one]) == []


def test_offers_are_named_by_well_formed_ids_alone():
    one = offer()
    order = shop_order(lines=(naming(one, id=1), order_line(2), order_line(3, properties={})))
    assert matching.named_offers(order) == {1: one.id}


def preordered(order, matches, offers, known=(), balance=80):
    stored = preorder(lines=tuple(known)) if known else None
    return compose.compose_lines(
        order, matches, by_id(*offers), stored, market_id=7, agreed=money(balance)
    )


def test_a_new_line_is_as_the_shop_has_it_and_counts_nothing_yet():
    one = offer(Deposit(percent=20))
    line = order_line(1, 100, 2, plan_id=PLAN)
    (made,) = preordered(
        shop_order(lines=(line,)), [Match(line, one.id, "partial", is_known=False)], [one]
    )
    assert (made.id, made.offer_id, made.variant_id, made.market_id) == (1, one.id, 11, 7)
    assert (made.ordered, made.current, made.unfulfilled, made.counted) == (2, 2, 2, 0)
    assert (made.total, made.deposit, made.balance) == (100, 20, 80)
    assert (made.unit_price, made.plan_id, made.payment) == (50, PLAN, "partial")


def test_an_edited_line_counts_no_more_than_it_has_left():
    one = offer(Deposit(percent=20))
    known = preorder_line(1, one.id, ordered=3, current=3, counted=3, total=money(300))
    line = order_line(1, 300, 3, current=2, unfulfilled=1)
    (made,) = preordered(
        shop_order(lines=(line,)),
        [Match(line, one.id, "partial", is_known=True)],
        [one],
        [known],
        balance=240,
    )
    assert (made.total, made.deposit, made.balance) == (300, 60, 240)
    assert (made.ordered, made.current, made.unfulfilled, made.counted) == (3, 2, 1, 2)
    (left,) = amounts.left(preorder(lines=(made,), balance=money(140)))
    assert (left.total, left.deposit, left.balance) == (200, 60, 140)
    over = replace(known, counted=0)
    (made,) = preordered(
        shop_order(lines=(line,)), [Match(line, one.id, "partial", is_known=True)], [one], [over]
    )
    assert made.counted == 0


def test_two_offers_share_the_balance_as_their_deposits_are():
    by_half, by_amount = offer(Deposit(percent=50)), offer(Deposit(type="price", amount=money(10)))
    in_full = offer()
    sold = [order_line(1, 100), order_line(2, 60, 2), order_line(3, 40)]
    matches = [
        Match(sold[0], by_half.id, "partial", is_known=False),
        Match(sold[1], by_amount.id, "partial", is_known=False),
        Match(sold[2], in_full.id, "full", is_known=False),
    ]
    made = preordered(
        shop_order(lines=tuple(sold)), matches, [by_half, by_amount, in_full], balance=90
    )
    assert [(one.deposit, one.balance) for one in made] == [(50, 50), (20, 40), (40, 0)]


def test_a_fixed_deposit_above_the_price_leaves_nothing():
    dear, usual = offer(Deposit(type="price", amount=money(500))), offer(Deposit(percent=20))
    sold = [order_line(1, 100), order_line(2, 100)]
    matches = [
        Match(sold[0], dear.id, "partial", is_known=False),
        Match(sold[1], usual.id, "partial", is_known=False),
    ]
    made = preordered(shop_order(lines=tuple(sold)), matches, [dear, usual])
    assert [one.balance for one in made] == [0, 80]


def test_an_amount_counts_only_where_the_deposit_is_one():
    by_percent, by_amount = (
        offer(Deposit(type=kind, percent=50, amount=money(90))) for kind in ("percentage", "price")
    )
    sold = [order_line(1, 100), order_line(2, 100)]
    matches = [
        Match(sold[0], by_percent.id, "partial", is_known=False),
        Match(sold[1], by_amount.id, "partial", is_known=False),
    ]
    made = preordered(shop_order(lines=tuple(sold)), matches, [by_percent, by_amount], balance=60)
    assert [one.balance for one in made] == [50, 10]


def test_a_balance_that_comes_back_is_shared_as_the_offers_say():
    one, two = offer(Deposit(percent=20)), offer(Deposit(percent=60))
    known = [
        preorder_line(number, each.id, deposit=money(100), balance=money(0))
        for number, each in enumerate((one, two), start=1)
    ]
    sold = [order_line(1, 100), order_line(2, 100)]
    matches = [
        Match(line, each.offer_id, "partial", is_known=True)
        for line, each in zip(sold, known, strict=True)
    ]
    made = preordered(shop_order(lines=tuple(sold)), matches, [one, two], known, balance=120)
    assert [one.balance for one in made] == [80, 40]


def test_what_an_offer_asks_for_later_does_not_change_what_was_agreed():
    first, second = offer(Deposit(percent=20)), offer(Deposit(percent=20))
    sold = [order_line(1, 100), order_line(2, 100)]
    order = shop_order(lines=tuple(sold))
    matches = [
        Match(sold[0], first.id, "partial", is_known=False),
        Match(sold[1], second.id, "partial", is_known=False),
    ]
    made = preordered(order, matches, [first, second], balance=160)
    second.payments.options.partial.deposit = Deposit(percent=90)
    again = preordered(order, matches, [first, second], made, balance=160)
    assert again == made
    gone = preordered(order, matches, [], made, balance=160)
    assert gone == made


CURRENCIES = st.sampled_from(["USD", "JPY", "KWD"])


def unit(currency):
    return Decimal(1).scaleb(-digits(currency))


@st.composite
def bought(draw):
    """A cart as a shop sells it: what each line costs, by how many units, paid in which way."""
    currency = draw(CURRENCIES)
    count = draw(st.integers(1, 5))
    cart = []
    for number in range(1, count + 1):
        quantity = draw(st.integers(1, 4))
        price = draw(st.integers(1, 100_000)) * unit(currency)
        discount = draw(st.integers(0, 30)) * price * quantity / 100
        total = (price * quantity - discount).quantize(unit(currency))
        way = draw(st.sampled_from(["other", "full", "percentage", "price"]))
        percent = draw(st.integers(1, 99))
        fixed = draw(st.integers(0, 100_000)) * unit(currency)
        kept = draw(st.integers(0, quantity))
        cart.append((order_line(number, total, quantity), way, percent, fixed, kept))
    return currency, cart, draw(st.integers(0, 5_000)) * unit(currency)


def due_at_checkout(line, way, percent, fixed, currency):
    """How the platform rounds a deposit: half up, by line."""
    if way == "percentage":
        return (line.total * percent / 100).quantize(unit(currency), rounding=ROUND_HALF_UP)
    if way == "price":
        return min(fixed * line.quantity, line.total)
    return line.total


@given(bought())
def test_deposits_and_balances_are_the_orders_own_totals_to_the_cent(bought):
    currency, cart, shipping = bought
    at_checkout = shipping + sum(
        due_at_checkout(line, way, percent, fixed, currency)
        for line, way, percent, fixed, _ in cart
    )
    goods = sum(line.total for line, *_ in cart)
    balance = goods + shipping - at_checkout
    first = sale(1, at_checkout)
    order = shop_order(
        total=goods + shipping,
        currency=currency,
        lines=tuple(line for line, *_ in cart),
        transactions=(first,),
        schedules=(schedule(balance),) if balance else (),
    )
    offers, matches = sold_by(cart)
    if not matches:
        return
    made = take(order, matches, offers, None)
    of_lines(made, currency)
    others = sum(line.total for line, way, *_ in cart if way == "other")
    assert made.balance == balance
    if others == 0 and not made.facts.snapshot.has_other_lines:
        assert made.deposit == at_checkout
    else:
        assert made.deposit == goods - others - balance
    assert take(order, matches, offers, made).lines == made.lines

    # Some units are taken off: what was not paid yet shrinks first.
    edited = tuple(replace(line, current=kept, unfulfilled=kept) for line, _, _, _, kept in cart)
    left = shipping + sum(
        (line.total * line.current / line.quantity).quantize(unit(currency), ROUND_HALF_UP)
        for line in edited
    )
    owed = max(left - at_checkout, Decimal(0))
    rest = schedule(owed)
    order = replace(
        order,
        total=left,
        outstanding=owed,
        lines=edited,
        schedules=((rest if owed else paid(rest, NOON)),) if balance else (),
    )
    changed = {line.id: line for line in edited}
    matches = [replace(one, line=changed[one.line.id], is_known=True) for one in matches]
    smaller = take(order, matches, offers, made)
    of_lines(smaller, currency)
    is_empty = not any(line.current for line in smaller.lines)
    agreed = owed or balance if is_empty else owed
    assert smaller.balance == agreed, "what was agreed stays to be read"
    late = take(order, matches, offers, None)
    assert (late.deposit, late.balance) == (smaller.deposit, smaller.balance)
    assert amounts.left(late) == [replace(one, market_id=None) for one in amounts.left(smaller)]
    if not made.facts.snapshot.has_other_lines:
        assert smaller.deposit == at_checkout


def sold_by(cart):
    offers, matches = [], []
    for line, way, percent, fixed, _ in cart:
        if way == "other":
            continue
        deposit = {
            "full": None,
            "percentage": Deposit(percent=percent),
            "price": Deposit(type="price", amount=fixed),
        }[way]
        one = offer(deposit)
        offers.append(one)
        option = "full" if deposit is None else "partial"
        matches.append(Match(line, one.id, option, is_known=False))
    return offers, matches


def take(order, matches, offers, stored):
    known = compose.Recognition(
        stored=stored, matches=matches, offers=by_id(*offers), market_id=None
    )
    return compose.compose(order, known, read_at=NOON, now=NOON, hold_unpaid=True).order


def of_lines(made, currency):
    """Each line is paid in two parts that are not negative; all balances are the order's."""
    of_left = amounts.left(made)
    for one in of_left:
        assert one.deposit + one.balance == one.total
        assert min(one.deposit, one.balance) >= 0
        assert one.balance == one.balance.quantize(unit(currency))
        assert one.payment == "partial" or one.balance == 0
    price = sum(one.total for one in of_left)
    paid_for = sum(one.deposit for one in made.lines) + made.balance
    share = sum(one.balance for one in of_left)
    if paid_for <= price or made.is_empty:
        assert share == min(made.balance, price)
    else:
        assert abs(share - price * made.balance / paid_for) <= unit(currency)
