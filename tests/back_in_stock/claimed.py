"""What a run claimed of a wave."""

from datetime import timedelta

from openstoq.kernel.ids import new_id
from tests.factories.waitlists import (
    claim_new,
    make_signup,
    outcome,
    rows,
)


def deferred(claimed):
    return outcome(claimed, "queued", error="451 wait", pause=timedelta(hours=1))


async def one_claimed(database, shop, wave, **columns):
    """A signup and the message that a run holds for it."""
    run_id = new_id()
    signup_id = await make_signup(database, shop, **columns)
    ((claimed,), _) = await claim_new(database, shop, wave, run_id=run_id)
    return signup_id, claimed, run_id


async def only(database, shop, table):
    (row,) = await rows(database, shop, table)
    return row
