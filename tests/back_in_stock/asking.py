"""What tests of sign-ups ask through API v2."""

from openstoq.back_in_stock.signups.model import SignupPage

SIGNUPS = "/back_in_stock/signups"


async def listed(client, **query):
    answer = await client.get(SIGNUPS, params=query)
    assert answer.status_code == 200, answer.text
    return SignupPage.model_validate_json(answer.content)


async def contacts(client, **query):
    return [signup.contact for signup in (await listed(client, **query)).signups]


def errors(answer, status):
    assert answer.status_code == status, answer.text
    (*sentences,) = answer.json()["errors"]
    return " ".join(sentences)
