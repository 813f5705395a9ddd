"""The last values of an offer by type, such as its percentage off while it has a fixed price."""

from openstoq.kernel.patch import Settings
from openstoq.kernel.types import Amount
from openstoq.preorders.offers.capabilities.payments import DepositTerms


class ValuesByType(Settings):
    """The last value that an offer had for each type, including the types that it has now.

    A plan of API v1 has a value for every type at once. A change of the type alone therefore leaves
    all values as they are. `has_balance` is set for a plan that asks for a balance later, but whose
    deposit is the whole price.
    """

    deposit: DepositTerms | None = None
    has_balance: bool = False
    discount_amount: Amount | None = None
    discount_percentage: Amount | None = None
    collection_id: int | None = None
