"""Errors as Shopify was recorded to give them."""

import json

import pytest

from openstoq.commerce.port import (
    AccessDenied,
    CommerceRefused,
    CommerceUnavailable,
)
from openstoq.commerce.shopify import answers
from tests.facts.load import recorded_answers, recorded_shapes


def recorded(name):
    return answers.read("Recorded", json.dumps(recorded_answers()[name]).encode())


def test_what_was_done_has_blocks_when_one_field_of_it_is_denied():
    got = recorded("partly denied")
    done = got.payload("fulfillmentOrderHold")
    assert done.inside("fulfillmentOrder").has("id")
    assert {error.code for error in got.errors} == {"ACCESS_DENIED"}
    assert got.errors[0].scopes == ("read_apps",)
    assert got.errors[0].path[-1] == "heldByApp"
    with pytest.raises(AccessDenied) as caught:
        got.whole()
    assert caught.value.scopes == ("read_apps",)


def test_a_missing_idempotency_key_is_refused():
    got = recorded("no idempotency key")
    with pytest.raises(CommerceRefused, match="@idempotent") as caught:
        got.payload("inventorySetQuantities")
    assert caught.value.refusals[0].code == "BAD_REQUEST"


def test_an_invalid_variable_is_refused():
    got = recorded("invalid variable")
    assert got.empty
    with pytest.raises(CommerceRefused, match="RefundInput") as caught:
        got.payload("refundCreate")
    assert caught.value.refusals[0].code == "INVALID_VARIABLE"


def test_user_errors_without_a_code_are_told_by_field_and_message():
    got = recorded("user error without a code")
    with pytest.raises(CommerceRefused, match="http:// is not supported") as caught:
        got.payload("webhookSubscriptionUpdate")
    (refusal,) = caught.value.refusals
    assert refusal.field == ("webhookSubscription", "callbackUrl")
    assert refusal.code is None
    assert got.cost == answers.Cost(10.0, 2000.0, 1990.0, 100.0)


def test_every_shape_of_a_recorded_answer_is_read():
    read = [answers.read("Recorded", json.dumps(body).encode()) for body in recorded_shapes()]
    assert len(read) > 40
    for got in read:
        for field in got.data:
            try:
                got.payload(field)
            except (CommerceRefused, AccessDenied):
                assert got.errors or got.data[field] is None or got.data[field]["userErrors"]
            except ValueError:
                # The field of a query may hold something other than an object.
                assert not isinstance(got.data[field], dict)
        assert got.cost.restore_rate == 100.0


@pytest.mark.parametrize("errors", ["text", ["text"], {"base": ["text"]}, [{"message": "text"}]])
def test_errors_come_in_more_than_one_shape(errors):
    got = answers.read("X", json.dumps({"errors": errors}).encode())
    with pytest.raises(CommerceRefused, match="text"):
        got.payload("x")


def test_an_internal_error_may_pass():
    error = answers.GraphError("Internal error", "INTERNAL_SERVER_ERROR")
    assert isinstance(answers.failure("X", [error]), CommerceUnavailable)
