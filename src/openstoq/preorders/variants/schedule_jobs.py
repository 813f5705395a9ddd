"""Jobs that follow the clock: windows open or close, due days pass, and time zones change."""

from openstoq.jobs.job import JobSet
from openstoq.jobs.work import Run, Work
from openstoq.preorders.offers import rules
from openstoq.preorders.offers import store as offers
from openstoq.preorders.offers.plan_group import jobs as plan_group_jobs
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.preorders.variants import schedule_store
from openstoq.shops.installation import ZoneChanged

# The job set in the module `jobs` has the same name: a queue may contain jobs under this name from
# an older version.
jobs = JobSet("preorders.variants")


@jobs.job(cron="*/5 * * * *")
async def follow_schedules(run: Run) -> None:
    """Sync what changes when the window of an offer opens or closes, or when its due day passes.

    A window changes the order of a variant's offers. After the due day the deposit is not sold.
    """
    async with run.work() as work:
        variants, ended = await schedule_store.follow(work.db, work.shop_id, work.runtime.clock())
        for offer_id in ended:
            plan_group_jobs.request(work, offer_id)
        if variants or ended:
            storefront_jobs.request(work)


async def on_zone_changed(work: Work, _: ZoneChanged) -> None:
    """Enqueue `follow_zone`, because the shop's time zone has changed."""
    work.enqueue(follow_zone.once())


@jobs.job()
async def follow_zone(run: Run) -> None:
    """Sync the offers whose days begin and end at other moments in the shop's new time zone."""
    async with run.work() as work:
        await find_moments(work, everything=True)


async def find_moments(work: Work, *, everything: bool) -> None:
    """Compute when the offers' days begin and end in the shop's time zone, and store these moments.

    With `everything`, all offers with such days are synced; otherwise only those whose stored
    moments have changed.
    """
    await offers.lock_offers(work.db, work.shop_id, None)
    found = await offers.all_of(work.db, work.shop_id, None)
    wanted = [one for one in found if rules.has_local_days(one) or not everything]
    moved = await schedule_store.save_moments(work.db, work.shop_id, wanted, everything=everything)
    for offer_id in moved:
        plan_group_jobs.request(work, offer_id)
    if moved:
        storefront_jobs.request(work)
