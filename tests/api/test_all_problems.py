"""A refused request is told of its unreadable fields and of the requirements it breaks, at once."""

import pytest

from openstoq.errors import Invalid
from openstoq.registry import ACTIONS
from tests.contract.requests import content

BY_NAME = {action.name: action for action in ACTIONS}
WHICH = "say which signups: by signup_ids, reason, from or to, or by all: true alone"
WINDOW = "start or end is required; use unschedule to clear the window"
VALUE = "value is required for the types percentage, price and fixed_amount"
TAGS = "tags or remove_tags is required, with at least one tag"
DAY = "must be a date (YYYY-MM-DD) or a date and time (RFC 3339)"


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("preorders.offers.schedule", {"nope": 1}, ["nope is not a known field", WINDOW]),
        ("preorders.offers.schedule", {"start": "nope"}, [f"start {DAY}"]),
        ("preorders.offers.schedule", {"start": None, "end": 5}, [f"end {DAY}"]),
        (
            "preorders.offers.payments.set_discount",
            {"type": "price", "nope": 1},
            ["nope is not a known field", VALUE],
        ),
        (
            "preorders.offers.payments.set_discount",
            {"type": "no_discount", "value": [5]},
            [
                "value must be a number",
                "value must be left out with the type no_discount",
            ],
        ),
        (
            "preorders.orders.bulk_set_tags",
            {},
            ["order_ids is required", TAGS],
        ),
        (
            "preorders.orders.bulk_set_tags",
            {"tags": ["a", 5]},
            ["order_ids is required", "tags.1 must be a string"],
        ),
        (
            "back_in_stock.signups.create",
            {"channel": "sms", "email": "a@b.test"},
            ["shopify_variant_id is required", "phone is required for the sms channel"],
        ),
        (
            "back_in_stock.signups.unblock",
            {"all": False, "nope": 1},
            ["nope is not a known field", WHICH],
        ),
        ("back_in_stock.signups.unblock", {"from": "nope", "all": 1}, None),
        (
            "preorders.offers.products.update",
            {"source": "custom", "collection": {"nope": 1}},
            [
                "collection.nope is not a known field",
                "collection may only be sent with source collection",
            ],
        ),
        (
            "preorders.offers.products.update",
            {"source": "nope", "all": {}},
            ["source must be one of: custom, all, collection"],
        ),
    ],
)
def test_an_answer_lists_unreadable_fields_and_broken_requirements(name, body, said):
    with pytest.raises(Invalid) as refused:
        BY_NAME[name].read(content(body))
    found = refused.value.messages
    if said is None:
        assert WHICH not in found
    else:
        assert sorted(found) == sorted(said)


def test_the_defaults_of_fields_that_are_not_sent_are_considered():
    # `all` is false unless it is sent, and a null counts as missing.
    with pytest.raises(Invalid) as refused:
        BY_NAME["back_in_stock.signups.unblock"].read(content({"reason": None, "nope": 1}))
    assert WHICH in refused.value.messages
