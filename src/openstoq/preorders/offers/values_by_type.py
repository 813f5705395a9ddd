"""Values that an offer keeps per type, such as its percentage off while it has a fixed price."""

from openstoq.kernel.patch import Settings
from openstoq.kernel.types import Amount
from openstoq.preorders.offers.capabilities.payments import DepositTerms


class ValuesByType(Settings):
    """The last deposit, discounts and collection that an offer had, whatever its types are now.

    A plan of API v1 has a value for every type at once. A change of the type alone therefore leaves
    all values as they are. `has_balance` is set for a plan that asks for a balance later, but whose
    deposit is the whole price.
    """

    deposit: DepositTerms | None = None
    has_balance: bool = False
    discount_amount: Amount | None = None
    discount_percentage: Amount | None = None
    collection_id: int | None = None
