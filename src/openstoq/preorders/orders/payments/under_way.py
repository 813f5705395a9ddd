"""A payment under way: loaded under its order's lock, changed and saved in one transaction."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

from openstoq.jobs.work import Run, Work
from openstoq.preorders.orders import store
from openstoq.preorders.orders.model import Payment, PreorderOrder
from openstoq.preorders.orders.saving import save


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A payment that has begun and not ended, with its order, in an open unit of work."""

    work: Work
    order: PreorderOrder
    payment: Payment

    async def succeed(self, transaction_ids: Sequence[int]) -> None:
        """Save that the payment has succeeded, with its transactions in Shopify.

        A reading of the order may already have entered one of these transactions as another ledger
        entry. That entry becomes void.
        """
        now = self.work.runtime.clock()
        twins = [
            replace(one, status="void", transaction_id=None, error="the same as another entry")
            for one in self.order.payments
            if one.transaction_id in transaction_ids and one.id != self.payment.id
        ]
        succeeded = replace(
            self.payment,
            status="succeeded",
            transaction_id=next(iter(transaction_ids), None),
            error=None,
            settled_at=now,
        )
        await self.save(*twins, succeeded)

    async def save(self, *changed: Payment) -> None:
        """Save the order with these changed entries of its ledger."""
        await save(self.work, self.order, before=self.order.lines, payments=changed)


@asynccontextmanager
async def under_way(run: Run, order_id: int, payment_id: UUID) -> AsyncIterator[UnderWay | None]:
    """Yield a payment with its order locked, or None if the payment has ended meanwhile."""
    async with run.work() as work:
        found = await store.load_under_way(work.db, work.shop_id, order_id, payment_id)
        yield None if found is None else UnderWay(work, *found)
