"""Request bodies that describe the origin of an order, and the origins made of them."""

from shopify_sandbox import shipping
from shopify_sandbox.bodies import Body, Id, Text
from shopify_sandbox.control.errors import RefusalError
from shopify_sandbox.records.fulfillment import Tracking
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.origins import Company, Origin
from shopify_sandbox.shop import Shop


class PointOfSale(Body):
    """A point of sale: a location, or the first open one if `location_id` is absent.

    If the goods are `carried_out`, they are handed over at once.
    """

    location_id: Id | None = None
    carried_out: bool = False


class Business(Body):
    """A company that buys, and the name of its location.

    Without a name, the location has the name of the company.
    """

    name: Text
    location: Text | None = None


def origin_of(shop: Shop, sold_at: PointOfSale | None, business: Business | None) -> Origin:
    """Return the origin of an order: the point of sale, if any, and the company, if any.

    Raises RefusalError if the shop has no such open location.
    """
    location = None
    if sold_at is not None:
        places = [each for each in shop.locations.values() if each.is_active]
        location = next((each for each in places if sold_at.location_id in (None, each.id)), None)
        if location is None:
            raise RefusalError("There is no such open location in this shop.")
    return Origin(location=location, company=_company(shop, business) if business else None)


def hand_over(shop: Shop, order: Order) -> None:
    """Fulfill all of an order at once.

    The staff of a shop do so when a customer carries the goods out.
    """
    action = shop.action()
    for each in list(order.fulfillment_orders):
        units = {part: part.remaining_quantity for part in each.lines}
        shipping.ship(shop, each, units, Tracking(), action)


def _company(shop: Shop, business: Business) -> Company:
    place = business.location or business.name
    before = [each.origin.company for each in shop.orders.values() if each.origin.company]
    known = [each for each in before if each.name == business.name]
    same = [each for each in known if each.location_name == place]
    if same:
        return same[0]
    return Company(
        id=known[0].id if known else next(shop.ids),
        name=business.name,
        location_id=next(shop.ids),
        location_name=place,
    )
