"""Rules about offers, without I/O: schedules, precedence, and the agreement of the documents."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar

from openstoq.errors import Conflict, Invalid
from openstoq.kernel import days
from openstoq.kernel.days import CalendarValue
from openstoq.kernel.ids import shopify_id
from openstoq.kernel.patch import stored
from openstoq.preorders.offers.capabilities.payments import DepositTerms, OptionType
from openstoq.preorders.offers.model import Offer, ScheduleState, Source

Value = TypeVar("Value")

_DUE = "payments.remaining_balance.date"
# The place and the name of every day of an offer, and the moment as which it is shown.
_DAYS: tuple[tuple[str, str, Callable[[CalendarValue, str], datetime | None]], ...] = (
    ("", "schedule_start", days.start_of),
    ("", "schedule_end", days.last_of),
    ("payments.remaining_balance", "date", days.start_of),
    ("shipping.delivery", "date", days.start_of),
    ("countdown", "custom_start_date", days.start_of),
    ("countdown", "custom_end_date", days.last_of),
)


def complete(offer: Offer) -> None:
    """Make the documents agree with each other, whichever of them was changed."""
    remember(offer)
    if offer.before is not None:
        _keep_days(offer, offer.before)
    _share_copy(offer, offer.before)
    if offer.goes_by_stock:
        offer.source = "custom"
    if offer.source != "collection":
        offer.collection_id, offer.auto_refresh = None, False
    if offer.source != "all":
        offer.exclusion_tag = None
    if offer.source == "custom":
        offer.excluded_variant_ids = []


def remember(offer: Offer) -> None:
    """Copy the offer's current values to `values_by_type`, so that a change of type keeps them."""
    known, discount = offer.values_by_type, offer.payments.discount
    partial = offer.payments.options.partial
    if partial is not None:
        known.deposit = DepositTerms.model_validate(stored(partial.deposit))
        known.has_balance = False
    if discount.type == "percentage":
        known.discount_percentage = discount.value
    elif discount.type != "no_discount":
        known.discount_amount = discount.value
    if offer.source == "collection":
        known.collection_id = offer.collection_id


def _keep_days(offer: Offer, before: Offer) -> None:
    """Keep a stored day if a request sends back the moment that our response gave for that day."""
    for path, name, resolve in _DAYS:
        known = getattr(_at(before, path), name)
        place = _at(offer, path)
        if known is not None and getattr(place, name) == resolve(known, before.zone):
            setattr(place, name, known)


def has_local_days(offer: Offer) -> bool:
    """Return whether the moment of any date of the offer depends on the shop's time zone."""
    found = (getattr(_at(offer, path), name) for path, name, _ in _DAYS)
    return any(one is not None and days.is_local(one) for one in found)


def _at(offer: Offer, path: str) -> Any:
    return attrgetter(path)(offer) if path else offer


def _share_copy(offer: Offer, before: Offer | None) -> None:
    """Make the texts of the first payment option and of the billing widget the same.

    If only the widget was changed, its texts replace the option's. Otherwise the option's texts
    replace the widget's.
    """
    widget, first = offer.widget.billing_widget, offer.payments.first
    widget_changed = before is not None and widget != before.widget.billing_widget
    option_changed = before is None or offer.payments.options != before.payments.options
    if widget_changed and not option_changed:
        first.billing_title, first.billing_description = widget.title, widget.description
    else:
        widget.title, widget.description = first.billing_title, first.billing_description


def shared_paths(offer: Offer) -> dict[str, str]:
    """Map the path of each text of the billing widget to the path of its twin.

    The twin is the same text of the first payment option.
    """
    option = f"payments.options.{offer.payments.first_type}"
    return {
        "widget.billing_widget.title": f"{option}.billing_title",
        "widget.billing_widget.description": f"{option}.billing_description",
    }


def shared_texts(offer: Offer, texts: Mapping[str, Value]) -> dict[str, Value]:
    """Return `texts` by path; a text that the offer has at two paths is returned under both.

    Raises Invalid when `texts` has different values for the two paths.
    """
    both = dict(texts)
    for here, there in shared_paths(offer).items():
        if here in texts and there in texts and texts[here] != texts[there]:
            raise Invalid(f"{here} and {there} are one text; send one value for it")
        for path, twin in ((here, there), (there, here)):
            if path in texts:
                both[twin] = texts[path]
    return both


def check_changeable(offer: Offer) -> None:
    """Raise Conflict for a discarded offer, which only restore may change."""
    if offer.discarded_at is not None:
        raise Conflict("the offer is discarded; restore it first")


def check_source(offer: Offer, source: Source) -> None:
    """Raise Conflict for a source that the offer's inventory provider does not allow."""
    if offer.goes_by_stock and source != "custom":
        raise Conflict(
            "the inventory provider shopify allows only the source custom; use "
            "inventory/set_provider with stoq first"
        )


def check_policy(offer: Offer, policy: str) -> None:
    """Raise Conflict for an inventory policy that the offer's inventory provider does not allow."""
    if offer.goes_by_stock and policy.lower() == "continue":
        raise Conflict(
            "with the inventory provider shopify the sale stops at Shopify's own stock, which "
            "needs the policy DENY; use inventory/set_provider with stoq first"
        )


def check_schedule(offer: Offer) -> None:
    """Raise Invalid for a schedule that ends before it starts, or when it starts."""
    opens_at, closes_at = offer.opens_at, offer.closes_at
    if opens_at is not None and closes_at is not None and opens_at >= closes_at:
        raise Invalid("start must be before end")


def schedule_state(offer: Offer, now: datetime) -> ScheduleState:
    """Return the state of the offer's schedule at `now`.

    The schedule includes its first moment, but not the moment at which it closes.
    """
    opens_at, closes_at = offer.opens_at, offer.closes_at
    if offer.schedule_start is None and offer.schedule_end is None:
        return "always"
    if opens_at is not None and now < opens_at:
        return "upcoming"
    if closes_at is not None and now >= closes_at:
        return "ended"
    return "active"


def check_due_day(offer: Offer, now: datetime) -> None:
    """Refuse a balance that would be due on a day that has passed.

    Raises Invalid if the change sets such a day. Raises Conflict if the day was set before, and the
    change adds a deposit or enables the offer. An offer that has such a deposit already may be
    changed in other ways.
    """
    before, day = offer.before, offer.payments.remaining_balance.due_day
    end = days.end_of(day, offer.zone)
    if day is None or end is None or now < end:
        return
    known = before.payments.remaining_balance.due_day if before is not None else None
    if day != known:
        raise Invalid(
            f"{_DUE} must not be in the past, but {_day_there(offer, day)} has passed; send a later "
            "date"
        )
    sold_deposit = before is not None and before.payments.options.partial is not None
    is_new = not sold_deposit or (offer.enabled and before is not None and not before.enabled)
    if is_new and offer.payments.options.partial is not None:
        raise Conflict(
            f"{_DUE} is {_day_there(offer, day)}, which has passed, so no deposit can be sold; set "
            "a later date, or sell the offer without a deposit"
        )


def due_day_warning(offer: Offer, now: datetime) -> str | None:
    """Return a warning if an enabled offer no longer sells its deposit because of a past due day.

    Returns None otherwise.
    """
    day = offer.payments.remaining_balance.due_day
    if day is None or not offer.is_live or not _has_ended_deposit(offer, now):
        return None
    sold = "the deposit" if offer.payments.options.full is not None else "the offer"
    return (
        f"{_DUE} is {_day_there(offer, day)}, which has passed, so {sold} is no longer sold; set a "
        "later date"
    )


def _day_there(offer: Offer, day: CalendarValue) -> str:
    where = f" in the shop's time zone, {offer.zone}" if days.is_local(day) else ""
    return f"{days.written(day)}{where}"


def sells(offer: Offer, now: datetime) -> bool:
    """Return whether the offer is live and has a payment option that may be sold at `now`."""
    return offer.is_live and (
        offer.payments.options.full is not None or not _has_ended_deposit(offer, now)
    )


def sells_option(offer: Offer, option: OptionType, now: datetime) -> bool:
    """Return whether a payment option may be sold at `now`.

    A deposit may not be sold once the day on which its balance is due has passed.
    """
    return option == "full" or not _has_ended_deposit(offer, now)


def as_sold(offer: Offer, now: datetime) -> Offer:
    """Return the offer without its deposit if the day on which the balance is due has passed.

    An offer that has no other payment option is returned as it is; it does not sell at all.
    """
    if offer.payments.options.full is None or not _has_ended_deposit(offer, now):
        return offer
    options = offer.payments.options.model_copy(update={"partial": None})
    payments = offer.payments.model_copy(update={"options": options})
    return replace(offer, payments=payments, partial_plan_id=None)


def _has_ended_deposit(offer: Offer, now: datetime) -> bool:
    ends_at = offer.deposit_ends_at
    return ends_at is not None and now >= ends_at


def by_precedence(offers: Iterable[Offer], now: datetime, market_id: int | None) -> list[Offer]:
    """Return the offers in the order in which they apply to a variant; the first one applies.

    Offers that name the market come before offers for all markets. Next, offers whose window is
    open, or that have no window, come before those outside their window. Last, the offer that
    was enabled most recently comes first. Offers that do not sell, or are for other markets, are
    left out.
    """
    return [
        offer
        for offer in all_by_precedence(offers, now)
        if offer.markets.applies_to_all_markets or market_id in offer.markets.market_ids
    ]


def all_by_precedence(offers: Iterable[Offer], now: datetime) -> list[Offer]:
    """Return the offers that sell, in the order in which they apply, whatever the market."""

    def rank(offer: Offer) -> tuple[bool, bool, float, str]:
        return (
            not offer.markets.applies_to_all_markets,
            schedule_state(offer, now) in ("always", "active"),
            offer.enabled_at.timestamp() if offer.enabled_at else 0.0,
            str(offer.id),
        )

    return sorted((one for one in offers if sells(one, now)), key=rank, reverse=True)


def merged_markets(known: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the overrides in `known` with those in `sent` merged into them, market by market.

    A null in `sent` removes a market, or one field of a market. A market's id may be a GID or a
    number; the market is kept under the id that was sent last. Raises Invalid when two ids in
    `sent` are the same market.
    """
    merged = {_number(market): (market, fields) for market, fields in known.items()}
    seen: dict[str, str] = {}
    for market, override in sent.items():
        number = _number(market)
        if number in seen:
            raise Invalid(f"market_overrides names one market twice: {seen[number]} and {market}")
        seen[number] = market
        _, before = merged.pop(number, (market, {}))
        if override is not None:
            merged[number] = (market, {**before, **override})
    given = {
        market: {name: value for name, value in fields.items() if value is not None}
        for market, fields in merged.values()
    }
    return {market: fields for market, fields in given.items() if fields}


def by_number(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return market overrides keyed by number; the keys of `overrides` are GIDs or numbers."""
    return {_number(market): fields for market, fields in overrides.items()}


def _number(market: str) -> str:
    return str(shopify_id(market, "Market"))
