"""A job's access to a shop's platform, and the effect of the platform's errors on the job."""

from collections.abc import Iterator
from contextlib import contextmanager

from openstoq.commerce.port import (
    AccessDenied,
    Commerce,
    CommerceError,
    CommerceUnavailable,
    CommerceUnreadable,
)
from openstoq.jobs.job import GiveUp, Retry
from openstoq.jobs.work import Run
from openstoq.kernel.delays import seconds
from openstoq.shops import store
from openstoq.shops.connection import connect


async def commerce_of(run: Run) -> Commerce | None:
    """Return the shop's platform, or None if the app is uninstalled or its token is missing."""
    async with run.work() as work:
        shop = await store.load(work.db, work.shop_id)
    if shop is None or shop.uninstalled_at is not None:
        return None
    try:
        return connect(run.runtime, shop)
    except AccessDenied:
        return None


@contextmanager
def patiently() -> Iterator[None]:
    """Raise Retry, which retries the job, if the platform is unavailable; pass other errors on."""
    try:
        yield
    except CommerceUnavailable as unavailable:
        raise Retry(str(unavailable), delay=seconds(unavailable.retry_after)) from unavailable


@contextmanager
def asking() -> Iterator[None]:
    """Raise Retry while the platform is unavailable, and GiveUp for its other errors.

    CommerceUnreadable passes through unchanged.
    """
    try:
        with patiently():
            yield
    except CommerceUnreadable:
        # The next response may be readable. A run that fails is retried, but only a few times.
        raise
    except CommerceError as error:
        raise GiveUp(str(error)) from error
