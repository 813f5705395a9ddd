"""Values of an offer that wait for their type, such as its percentage off while it has a price."""

from openstoq.kernel.patch import Settings
from openstoq.kernel.types import Amount
from openstoq.preorders.offers.capabilities.payments import DepositTerms


class ValuesByType(Settings):
    """The last value of each type; those of the types that the offer has now are in use as well.

    A plan of API v1 has a value for every type at once, and a change of the type alone leaves all
    of them as they are. `has_balance` is set for a plan that asks for a balance later, but whose
    deposit is the whole price.
    """

    deposit: DepositTerms | None = None
    has_balance: bool = False
    discount_amount: Amount | None = None
    discount_percentage: Amount | None = None
    collection_id: int | None = None
