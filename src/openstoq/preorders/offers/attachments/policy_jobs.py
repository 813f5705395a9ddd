"""The bulk job that sets the inventory policy of an offer's variants."""

from collections.abc import Sequence
from uuid import UUID

from openstoq.commerce.port import Commerce
from openstoq.jobs import bulk
from openstoq.jobs.items import Failed, counts
from openstoq.jobs.job import JobSet
from openstoq.jobs.leases import LATER
from openstoq.jobs.work import Run, Work
from openstoq.preorders.offers import rules
from openstoq.preorders.offers.attachments import store as attachment_store
from openstoq.preorders.offers.attachments.bulk import (
    CHUNK,
    NO_SHOP,
    Submitted,
    begin,
    complete,
    ending,
    fail,
)
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.preorders.offers.storefront import policies
from openstoq.preorders.offers.storefront import store as storefront_store
from openstoq.shops.commerce import commerce_of, patiently

# The job set in the module `jobs` has the same name: a queue may contain jobs under this name from
# an older version.
jobs = JobSet("preorders.attaching")

HELD_BY_STOCK = (
    "another offer that sells it has the inventory provider shopify, whose stock stops the sale and "
    "needs the policy DENY"
)


async def submit_policy(
    work: Work, offer: Offer, policy: str, variant_ids: Sequence[int] | None
) -> Submitted:
    """Begin a bulk job that sets the inventory policy of all the offer's variants.

    With `variant_ids`, only the policies of these variants are set. Raises Conflict for a policy
    that the offer's inventory provider does not allow.
    """
    rules.check_policy(offer, policy)
    attached = (await attachment_store.attached_ids(work.db, work.shop_id, [offer.id]))[offer.id]
    ids = attached if variant_ids is None else list(dict.fromkeys(variant_ids))
    told = {"offer_id": str(offer.id), "policy": policy.lower(), "variant_ids": ids}
    return await begin(work, "toggle_inventory_policy", len(ids), told, flip)


@jobs.job()
async def flip(run: Run, *, job_id: str) -> None:
    """Set the inventory policies of a bulk job's variants.

    The run holds the lease of the storefront sync, so that only one run of a shop writes inventory
    policies at a time.
    """
    commerce = await commerce_of(run)
    async with run.work() as work:
        if commerce is None:
            await fail(work, job_id, NO_SHOP)
            return
        await storefront_store.know_shop(work.db, work.shop_id)

    def again(work: Work) -> None:
        work.enqueue(flip.after(LATER), job_id=job_id)

    async with storefront_jobs.LEASES.alone(run, run.shop_id, again=again) as is_alone:
        if is_alone:
            async with ending(run, job_id):
                while await _flip_chunk(run, commerce, job_id):
                    continue


async def _flip_chunk(run: Run, commerce: Commerce, job_id: str) -> bool:
    """Set the policies of the next chunk of variants; return False when no chunk is left."""
    async with run.work() as work:
        job = await bulk.load(work.db, work.shop_id, job_id)
        if job is None or job.status != "running":
            return False
        chunk = job.arguments["variant_ids"][job.processed : job.processed + CHUNK]
        if not chunk:
            await complete(work, job_id)
            return False
        offer_id, policy = UUID(job.arguments["offer_id"]), job.arguments["policy"]
        attached = await attachment_store.attached_ids(work.db, work.shop_id, [offer_id], chunk)
        wanted = await policies.ask_for(work.db, work.shop_id, policy, attached[offer_id])
    with patiently():
        failures, unset = await storefront_jobs.write_policies(run, commerce, wanted)
    if unset and not counts(run):
        raise Failed("; ".join(dict.fromkeys(unset.values())))
    failures |= unset
    for one in chunk:
        if one not in attached[offer_id]:
            failures[one] = "not attached to this offer"
        elif one not in wanted:
            failures[one] = HELD_BY_STOCK
    async with run.work() as work:
        if unset:
            await policies.mark(work.db, work.shop_id, {one: wanted[one] for one in unset}, unset)
        await bulk.advance(work.db, work.shop_id, job_id, len(chunk), failures)
    return True
