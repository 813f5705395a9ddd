"""A value without its type, and a type without its value: kept or refused, never dropped."""

import pytest

UNTYPED = "discount.value needs a discount.type: percentage, price or fixed_amount"


@pytest.fixture
def at(offer_id):
    return f"/preorders/offers/{offer_id}"


async def problems(client, at, body):
    answer = await client.patch(at, json=body)
    assert answer.status_code in (202, 422), answer.text
    return answer.json().get("errors", [])


async def discount(client, at):
    return (await client.get(f"{at}/payments")).json()["discount"]


async def test_a_discount_is_refused_without_its_type(client, at):
    payments = f"{at}/payments"
    assert await problems(client, payments, {"discount": {"value": "5"}}) == [UNTYPED]
    typed = {"discount": {"type": "no_discount", "value": 5}}
    assert await problems(client, payments, typed) == [UNTYPED]
    whole = {"payments": {"discount": {"value": 5}}, "name": ""}
    assert await problems(client, at, whole) == [
        "name must be at least 1 characters long",
        f"payments.{UNTYPED}",
    ]
    named = await client.post(f"{payments}/set_discount", json=typed["discount"])
    assert named.json()["errors"] == ["value must be left out with the type no_discount"]
    assert await discount(client, at) == {"type": "no_discount", "value": None}


async def test_fifteen_percent_never_become_fifteen_dollars(client, at):
    payments = f"{at}/payments"
    first = {"discount": {"type": "percentage", "value": 15}}
    assert await problems(client, payments, first) == []
    for other in ("price", "fixed_amount"):
        said = await problems(client, payments, {"discount": {"type": other}})
        present = "the present value is of the type percentage"
        assert said == [f"discount.value is required with the type {other}: {present}"]
        said = await problems(client, payments, {"discount": {"type": other, "value": None}})
        assert said == [f"discount needs a value for the type {other}"]
    assert await discount(client, at) == {"type": "percentage", "value": "15"}
    assert await problems(client, payments, {"discount": {"value": 20}}) == []
    assert await problems(client, payments, {"discount": {"type": "percentage"}}) == []
    assert await discount(client, at) == {"type": "percentage", "value": "20"}
    other = {"discount": {"type": "price", "value": "99.90"}}
    assert await problems(client, payments, other) == []
    assert await discount(client, at) == {"type": "price", "value": "99.90"}
    assert await problems(client, payments, {"discount": {"type": "no_discount"}}) == []
    assert await discount(client, at) == {"type": "no_discount", "value": None}


@pytest.mark.parametrize(
    ("document", "body"),
    [
        ("shipping", {"delivery": {"date": "2099-01-01T12:00:00Z"}}),
        ("shipping", {"delivery": {"days": 14}}),
        ("payments", {"remaining_balance": {"date": "2099-01-01T12:00:00Z"}}),
        ("countdown", {"custom_end_date": "2099-01-01T12:00:00Z"}),
        ("markets", {"market_ids": [5]}),
        ("widget", {"button": {"colors": {"text_color": "#000000"}}}),
    ],
)
async def test_other_values_wait_for_their_type(client, at, document, body):
    assert await problems(client, f"{at}/{document}", body) == []
    read = (await client.get(f"{at}/{document}")).json()
    assert within(body, read)


def within(part, whole):
    if isinstance(part, dict):
        return all(within(value, whole[name]) for name, value in part.items())
    return part == whole


async def test_what_was_read_can_be_sent_back(client, at):
    markets = f"{at}/markets"
    for body in ({"market_ids": [5]}, {"enabled": True}, {"enabled": False}):
        assert await problems(client, markets, body) == []
        read = (await client.get(markets)).json()
        assert await problems(client, markets, read) == []
        assert (await client.get(markets)).json() == read


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"applies_to_all_markets": True, "market_ids": [5], "enabled": True}, True),
        ({"applies_to_all_markets": False}, True),
        ({"applies_to_all_markets": False, "enabled": True, "market_ids": []}, True),
        ({"applies_to_all_markets": False, "enabled": True, "market_ids": [5]}, False),
        ({"applies_to_all_markets": True, "enabled": True}, False),
        ({"applies_to_all_markets": True, "enabled": True, "market_ids": []}, False),
        ({"applies_to_all_markets": True, "enabled": False, "market_ids": [5]}, False),
    ],
)
async def test_all_markets_is_never_what_the_others_deny(client, at, body, refused):
    said = await problems(client, f"{at}/markets", body)
    assert bool(said) is refused
    assert all(one.startswith("applies_to_all_markets cannot be ") for one in said)
    if not refused:
        read = (await client.get(f"{at}/markets")).json()
        assert within(body, read)
