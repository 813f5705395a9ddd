"""Waves that are sent, and what became of their messages."""

from collections import Counter

import pytest

from openstoq.back_in_stock.notifications.jobs import send_wave
from tests.factories.relays import ACCEPTED
from tests.factories.waitlists import (
    rows,
    run_of,
    stock_becomes,
)


@pytest.fixture
async def wave_id(runtime, shop, sold_out):
    (wave_id,) = await stock_becomes(runtime, shop, 5, 0)
    return wave_id


async def send(runtime, shop, wave_id, attempt=0):
    await send_wave.handler(run_of(runtime, shop, attempt), wave_id=wave_id)


async def wave_row(database, shop):
    (row,) = await rows(database, shop, "waves")
    return row


async def statuses(database, shop):
    return Counter(row["status"] for row in await rows(database, shop, "notifications"))


def answering(**answers):
    """Answer by the recipient's name, and accept all others."""

    async def answer(email):
        return answers.get(email.recipient.partition("@")[0], ACCEPTED)

    return answer
