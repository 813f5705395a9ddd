"""The documents of an offer, read and written by path."""

import pytest


@pytest.fixture
def at(offer_id):
    return f"/preorders/offers/{offer_id}"


async def read(client, at):
    answer = await client.get(at)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def patch(client, at, body):
    answer = await client.patch(at, json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def act(client, at, body):
    answer = await client.post(at, json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()
