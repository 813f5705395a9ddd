"""Sync the data that the storefront reads to the shop: metafields and inventory policies."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import structlog

from openstoq.commerce.port import Commerce, CommerceRefused, Metafield
from openstoq.jobs.items import Failed, counts, forget, remember, rested, resting
from openstoq.jobs.job import JobSet, Retry
from openstoq.jobs.leases import LATER, SETTLED, Leases
from openstoq.jobs.work import Run, Work
from openstoq.kernel.alone import alone, noted
from openstoq.preorders.offers import store, translation_store
from openstoq.preorders.offers.offered_variants import SyncedVariant
from openstoq.preorders.offers.storefront import metafields, policies
from openstoq.preorders.offers.storefront import store as marks
from openstoq.shops.commerce import asking, commerce_of, patiently

log = structlog.get_logger(__name__)

jobs = JobSet("preorders.storefront")

VARIANTS = 200
MOST_AGAIN = 1000
POLICIES = ("deny", "continue")
# The kinds of items whose failures are kept: the shop's own metafields, a variant's policy.
SHOP, POLICY = "storefront", "policy"
LEASES = Leases("preorder_shops", "shop_id", lasts=SETTLED)


def request(work: Work) -> None:
    """Request a sync of the storefront, which writes changed metafields and policies."""
    work.enqueue(sync_storefront.once())


def request_all(work: Work, offer_id: UUID) -> None:
    """Request a new check of whether each variant of an offer is sold out."""
    work.enqueue(look_again.once(), offer_id=offer_id)


@jobs.job()
async def look_again(run: Run, *, offer_id: UUID) -> None:
    """Mark every variant of an offer as changed, and request a sync of the storefront.

    The sync then decides again whether each variant is sold out.
    """
    async with run.work() as work:
        await policies.look_again(work.db, work.shop_id, offer_id)
        request(work)


@jobs.job()
async def sync_storefront(run: Run) -> None:
    """Write the data of the storefront to the shop.

    This is the shop's own metafields, the metafields of changed variants, and inventory policies.
    """
    commerce = await commerce_of(run)
    if commerce is None:
        return
    async with run.work() as work:
        await marks.know_shop(work.db, work.shop_id)

    def again(work: Work) -> None:
        work.enqueue(sync_storefront.once(after=LATER))

    async with LEASES.alone(run, run.shop_id, again=again) as is_alone:
        if is_alone:
            await _sync(run, commerce)


async def _sync(run: Run, commerce: Commerce) -> None:
    unwritten: dict[UUID, str] = {}
    async with run.work() as work:
        db, shop_id, now = work.db, work.shop_id, work.runtime.clock()
        rest = [int(one) for one in await resting(db, shop_id, POLICY, now)]
        again = [int(one) for one in await rested(db, shop_id, POLICY, now, MOST_AGAIN)]
    policies_of = _Policies(run, commerce, rest)
    with asking():
        # If the shop's own metafields fail, the variants are written all the same.
        with alone(SHOP, run.shop_id, unwritten), patiently():
            await _write_shop(run, commerce)
        await _write_variants(run, commerce, policies_of)
        await policies_of.write(POLICIES)
    failures = [*unwritten.values(), *policies_of.unset.values()]
    if failures and not counts(run):
        raise Failed("; ".join(dict.fromkeys(failures)))
    async with run.work() as work:
        await _remember(work, SHOP, [run.shop_id], unwritten)
        # A policy that failed before may no longer be wanted; its failure is forgotten too.
        await _remember(work, POLICY, [*policies_of.done, *again], policies_of.unset)


async def _remember(
    work: Work, kind: str, tried: Sequence[UUID | int], failures: Mapping[Any, str]
) -> None:
    """Store the failures of `kind`, SHOP or POLICY, so that `resume` retries the sync.

    The keys of `failures` are shop or variant ids. The earlier failures of ids in `tried` that did
    not fail in this run are deleted.
    """
    well = [one for one in tried if one not in failures]
    await forget(work.db, work.shop_id, kind, well)
    await remember(work.db, work.shop_id, kind, failures, work.runtime.clock())


async def _write_shop(run: Run, commerce: Commerce) -> None:
    async with run.work() as work:
        offers = await store.all_of(work.db, work.shop_id, None)
        translations = await translation_store.overrides(
            work.db, work.shop_id, [one.id for one in offers]
        )
        written = await marks.written_on_shop(work.db, work.shop_id)
    faults: dict[UUID, Exception] = {}
    wanted = metafields.on_shop(offers, translations, run.runtime.clock(), faults)
    if faults:
        unwritten = {
            offer_id: noted("offer", offer_id, error) for offer_id, error in faults.items()
        }
        async with run.work() as work:
            await marks.fail(work.db, work.shop_id, unwritten)
    digests = {one.key: sha256(one.value.encode()).hexdigest() for one in wanted}
    changed = [one for one in wanted if written.get(one.key) != digests[one.key]]
    gone = [key for key in written if key not in digests]
    if not changed and not gone:
        return
    async with run.work() as work:
        asked = [one.key for one in changed] + gone
        await marks.mark_shop(work.db, work.shop_id, dict.fromkeys(asked, marks.UNKNOWN))
    # One metafield is written per call, because Shopify limits a call to ten megabytes.
    failures: dict[tuple[int | None, str], str] = {}
    for metafield in changed:
        try:
            failures |= await commerce.set_metafields(namespace_of(run), [metafield])
        except CommerceRefused as refusal:
            failures[None, metafield.key] = str(refusal)
    if gone:
        await commerce.delete_metafields(namespace_of(run), [(None, key) for key in gone])
    refused = {key: error for (_, key), error in failures.items()}
    done = {one.key: digests[one.key] for one in changed} | dict.fromkeys(refused, marks.UNKNOWN)
    async with run.work() as work:
        await marks.mark_shop(work.db, work.shop_id, done, gone)
        if refused:
            log.warning("shop.metafields_refused", refused=refused)
            told = "; ".join(f"{key} was refused: {error}" for key, error in refused.items())
            await marks.fail_live(work.db, work.shop_id, f"the shop's metafield {told}")


async def _write_variants(run: Run, commerce: Commerce, policies_of: "_Policies") -> None:
    while True:
        # Order matters: a variant that must stop selling is set to DENY before its metafields are
        # written; one that may sell again is set to CONTINUE afterwards, by `_sync`.
        await policies_of.write(["deny"])
        async with run.work() as work:
            found = await marks.behind(work.db, work.shop_id, VARIANTS)
        if not found:
            return
        await write_variants(run, commerce, found)
        if run.runtime.stopping.is_set():
            raise Retry("the worker is stopping")


async def write_variants(run: Run, commerce: Commerce, found: Sequence[SyncedVariant]) -> None:
    """Bring the metafields of variants in the shop up to date.

    Only the metafields that differ from the last ones written are sent. They are built from the
    same data that decides whether a variant is sold out, so that decision is made here as well.
    """
    now = run.runtime.clock()
    sets: list[Metafield] = []
    deletes: list[tuple[int | None, str]] = []
    wanted: dict[int, dict[str, str]] = {}
    errors: dict[int, str] = {}
    for one in found:
        variant_id = one.selling.variant_id
        values: metafields.Values | None = None
        with alone("variant", variant_id, errors):
            values = {} if one.is_reset else metafields.on_variant(one.selling, now)
        if values is None:
            # The metafields in the shop stay as they are until the next change.
            wanted[variant_id] = dict(one.written)
            continue
        wanted[variant_id] = {key: value for key, (_, value) in values.items()}
        sets += [
            Metafield(variant_id, key, kind, value)
            for key, (kind, value) in values.items()
            if one.written.get(key) != value
        ]
        deletes += [(variant_id, key) for key in one.written if key not in values]
    asked = [(one.variant_id, one.key) for one in sets] + deletes
    async with run.work() as work:
        await store.lock_sellers(work.db, work.shop_id, sorted(wanted))
        await policies.follow(work, sorted(wanted), now)
        await marks.ask_variants(work.db, work.shop_id, asked)
    failures = await commerce.set_metafields(namespace_of(run), sets) if sets else {}
    if deletes:
        await commerce.delete_metafields(namespace_of(run), deletes)
    for (failed, key), error in failures.items():
        if failed is not None:
            errors[failed] = error
            wanted[failed][key] = marks.UNKNOWN
    async with run.work() as work:
        await marks.mark_variants(
            work.db,
            work.shop_id,
            [
                (one, wanted[one.selling.variant_id], errors.get(one.selling.variant_id))
                for one in found
            ],
        )


class _Policies:
    """The inventory policies that one run sets.

    The run skips variants that have already failed in this run. It also skips variants whose pause
    after an earlier failure is not over.
    """

    def __init__(self, run: Run, commerce: Commerce, resting: Sequence[int]) -> None:
        self._run, self._commerce, self._resting = run, commerce, resting
        self.unset: dict[int, str] = {}
        self.done: list[int] = []

    async def write(self, which: Sequence[str]) -> None:
        """Set the outstanding policies; `which` limits them to `deny`, `continue` or both."""
        while True:
            but = [*self._resting, *self.unset]
            async with self._run.work() as work:
                wanted = await policies.ask(work.db, work.shop_id, which, VARIANTS, but)
            if not wanted:
                return
            _, unset = await write_policies(self._run, self._commerce, wanted)
            self.unset |= unset
            self.done += [one for one in wanted if one not in unset]


async def write_policies(
    run: Run, commerce: Commerce, wanted: Mapping[int, str]
) -> tuple[dict[int, str], dict[int, str]]:
    """Set inventory policies, one product at a time.

    Returns two mappings from variant id to error. The first contains the variants that the shop
    refused or does not have. The second contains the variants whose policies should be retried,
    because the shop's response could not be read or the failure was ours.
    """
    async with run.work() as work:
        by_product = await policies.products_of(work.db, work.shop_id, list(wanted))
    known = {variant for variants in by_product.values() for variant in variants}
    failures = {one: "no such variant in the shop" for one in wanted if one not in known}
    faults: dict[int, str] = {}
    for product_id, variant_ids in by_product.items():
        with alone("product", product_id, faults):
            try:
                failures |= await commerce.set_inventory_policies(
                    product_id,
                    {
                        one: "continue" if wanted[one] == "continue" else "deny"
                        for one in variant_ids
                    },
                )
            except CommerceRefused as refusal:
                failures |= dict.fromkeys(variant_ids, str(refusal))
    unset = {one: error for product_id, error in faults.items() for one in by_product[product_id]}
    answered = {one: policy for one, policy in wanted.items() if one not in unset}
    async with run.work() as work:
        await policies.mark(work.db, work.shop_id, answered, failures)
    return failures, unset


def namespace_of(run: Run) -> str:
    """Return the namespace of this installation's metafields."""
    return run.runtime.settings.shopify.metafield_namespace
