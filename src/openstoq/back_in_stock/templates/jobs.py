"""The job that sends a test mail."""

from uuid import UUID

from openstoq.back_in_stock.templates import store
from openstoq.back_in_stock.templates.model import Channel, Purpose
from openstoq.back_in_stock.templates.preview import draft
from openstoq.errors import Invalid
from openstoq.jobs.job import GiveUp, JobSet, Lane
from openstoq.jobs.work import Run
from openstoq.messaging.forms import MessageKind
from openstoq.shops import store as shops
from openstoq.shops.seal import Seal
from openstoq.shops.single_mails import notice_of, send_single

jobs = JobSet("back_in_stock.templates")


@jobs.job(attempts=5, lane=Lane.SENDS)
async def send_test_mail(
    run: Run,
    *,
    test_id: UUID,
    sealed_email: str,
    channel: Channel,
    template: Purpose,
    locale: str,
    variant_id: int | None,
) -> None:
    """Send a message as a shopper would get it to whoever tries out its template.

    The address is sealed, because the queue keeps the arguments of jobs that fail.
    """
    email = run.runtime.ports.get(Seal).open(sealed_email.encode())
    async with run.work() as work:
        shop = await shops.load(work.db, work.shop_id)
        if shop is None or shop.uninstalled_at is not None:
            return
        kind = MessageKind(channel, template)
        own = (await store.own_templates(work.db, work.shop_id, kind)).parts_for(locale)
        try:
            message = await draft(
                work, shop, template, locale=locale, variant_id=variant_id, own=own
            )
        except Invalid:
            # The variant was deleted since.
            message = await draft(work, shop, template, locale=locale, variant_id=None, own=own)
    notice = notice_of(run, shop, test_id, email)
    try:
        content = message.mail(notice)
    except ValueError:
        # The error may quote the address.
        raise GiveUp(
            "the test mail could not be written: correct the address or OPENSTOQ_MAIL_SENDER"
        ) from None
    await send_single(run, notice, content)
