"""A cart that is acceptable is over no limit once it is ordered, whatever the limits are."""

from contextlib import asynccontextmanager, suppress

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from openstoq.jobs.work import Work
from openstoq.kernel.clock import utc_now
from openstoq.kernel.ids import new_id
from openstoq.preorders.cart.check import check
from openstoq.preorders.cart.rules import Cart, CartLine
from openstoq.preorders.offers import store
from openstoq.preorders.offers.attachments import resolve
from openstoq.preorders.offers.capabilities.limits import Cap, PerOrder
from openstoq.preorders.offers.capabilities.limits import Limits as OfferLimits
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.plan_group import store as plan_group_store
from openstoq.preorders.orders.intake import take_in
from tests.factories.shop_orders import bought, line

PLAN, OTHERS_PLAN = 900, 901
MARKET = 5

LIMIT = st.none() | st.integers(1, 8)
LINE = st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(1, 6))
LINES = st.lists(LINE, min_size=1, max_size=5)
OFFER = st.fixed_dictionaries(
    {
        "least": st.none() | st.integers(1, 4),
        "more": st.none() | st.integers(0, 6),
        "of_customer": LIMIT,
        "of_all": LIMIT,
        "of_variants": st.tuples(LIMIT, LIMIT, LIMIT),
        "of_market": LIMIT,
    }
)
UNLIMITED = {
    "least": None,
    "more": None,
    "of_customer": None,
    "of_all": None,
    "of_variants": (None, None, None),
    "of_market": None,
}


class UndoneError(Exception):
    """Ends a transaction of which nothing shall be left."""


@asynccontextmanager
async def undone(database, shop):
    """A transaction of which nothing is left."""
    with suppress(UndoneError):
        async with database.transaction(shop.id) as db:
            yield db
            raise UndoneError


async def put_on_sale(db, shop, variants, plan, drawn):
    """Write an enabled offer with limits as drawn."""
    now, least, more = utc_now(), drawn["least"], drawn["more"]
    most = None if more is None else (least or 1) + more
    offer = Offer(
        id=new_id(),
        enabled=True,
        enabled_at=now,
        limits=OfferLimits(
            per_order=PerOrder(min=least, max=most),
            per_customer=Cap(max=drawn["of_customer"]),
            total=Cap(max=drawn["of_all"]),
        ),
        created_at=now,
        updated_at=now,
    )
    await store.add(db, shop.id, offer)
    await resolve.attach(db, shop.id, offer, variants, now)
    await plan_group_store.save_group(
        db, shop.id, offer.id, group_id=plan, plan_ids={"full": plan}, digest=b""
    )
    markets = {str(MARKET): {"max_count": drawn["of_market"]}} if drawn["of_market"] else {}
    await db.executemany(
        """
        UPDATE offer_variants SET max_count = $4, market_overrides = $5
        WHERE shop_id = $1 AND offer_id = $2 AND variant_id = $3
        """,
        [
            (shop.id, offer.id, variant, most, markets)
            for variant, most in zip(variants, drawn["of_variants"], strict=True)
        ],
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=OFFER, second=OFFER, before=LINES, wanted=LINES, turn=st.integers(0, 4))
@example(
    first=UNLIMITED | {"of_variants": (5, None, None)},
    second=UNLIMITED,
    before=[(0, 1, 1)],
    wanted=[(0, 0, 2), (1, 0, 4), (0, 0, 1)],
    turn=0,
)
async def test_an_accepted_cart_that_is_ordered_at_once_is_over_no_limit(
    runtime, database, shop, catalogue, first, second, before, wanted, turn
):
    """And one that is refused would be over a limit, unless two offers share a variant."""
    plans = (PLAN, OTHERS_PLAN)

    def order(number, lines, **facts):
        sold = (
            line(1000 * number + place, catalogue[variant], units, plan_id=plans[offer])
            for place, (offer, variant, units) in enumerate(lines)
        )
        return bought(number, *sold, country="DE", **facts)

    async with undone(database, shop) as db:
        await db.execute(
            "INSERT INTO markets VALUES ($1, $2, 'Europe', true, '{DE}')", shop.id, MARKET
        )
        for plan, drawn in zip(plans, (first, second), strict=True):
            await put_on_sale(db, shop, catalogue, plan, drawn)
        work = Work(runtime=runtime, db=db, shop_id=shop.id, request_id="test")
        await take_in.take_in(work, order(1, before), read_at=utc_now())
        cart = Cart(
            lines=[
                CartLine(variant_id=catalogue[variant], quantity=units, plan_id=plans[offer])
                for offer, variant, units in wanted
            ],
            market_id=MARKET,
        )
        refused = await check(db, shop.id, cart, utc_now())
        # A platform need not keep the order of a cart's lines.
        made = await take_in.take_in(
            work, order(2, [*wanted[turn:], *wanted[:turn]]), read_at=utc_now()
        )
        if not refused:
            assert made.decisions.exceeded == []
        elif len({offer for offer, _, _ in wanted}) == 1:
            assert made.decisions.exceeded
