"""Errors as Shopify was recorded to give them."""

import json

import pytest

from commerce.server import SHARED
from openstoq.commerce.port import (
    AccessDenied,
    CommerceRefused,
    CommerceUnavailable,
)
from openstoq.commerce.shopify import answers

RECORDED = SHARED / "recorded" / "2026-04"

pytestmark = pytest.mark.skipif(
    not RECORDED.exists(), reason="Shopify's recorded answers are not beside this checkout"
)


def recorded(file, *path):
    found = json.loads((RECORDED / file).read_text(encoding="utf-8"))
    for step in path:
        found = found[step]
    body = found.get("payload", found)
    return answers.read("Recorded", json.dumps(body).encode())


def test_what_was_done_is_kept_when_one_field_of_it_is_denied():
    got = recorded(
        "shipping-fulfillments/fulfillment-order-hold-multi-line.json",
        *("workflow", "hold", "response"),
    )
    done = got.payload("fulfillmentOrderHold")
    assert done.inside("fulfillmentOrder").has("id")
    assert {error.code for error in got.errors} == {"ACCESS_DENIED"}
    assert got.errors[0].scopes == ("read_apps",)
    assert got.errors[0].path[-1] == "heldByApp"
    with pytest.raises(AccessDenied) as caught:
        got.whole()
    assert caught.value.scopes == ("read_apps",)


def test_a_missing_idempotency_key_is_refused():
    got = recorded(
        "products/inventory-quantity-contracts-2026-04.json", "missingSetIdempotency", "response"
    )
    with pytest.raises(CommerceRefused, match="@idempotent") as caught:
        got.payload("inventorySetQuantities")
    assert caught.value.refusals[0].code == "BAD_REQUEST"


def test_an_invalid_variable_is_refused():
    got = recorded(
        "orders/refund-create-attribution-validation.json", "invalidVariable", "response"
    )
    assert got.empty
    with pytest.raises(CommerceRefused, match="RefundInput") as caught:
        got.payload("refundCreate")
    assert caught.value.refusals[0].code == "INVALID_VARIABLE"


def test_user_errors_without_a_code_are_told_by_field_and_message():
    got = recorded("webhooks/webhook-subscription-uri-validation.json", "updateHttp", "response")
    with pytest.raises(CommerceRefused, match="http:// is not supported") as caught:
        got.payload("webhookSubscriptionUpdate")
    (refusal,) = caught.value.refusals
    assert refusal.field == ("webhookSubscription", "callbackUrl")
    assert refusal.code is None
    assert got.cost == answers.Cost(10.0, 2000.0, 1990.0, 100.0)


def found_answers():
    for file in sorted(RECORDED.rglob("*.json")) if RECORDED.exists() else ():
        yield from _bodies(json.loads(file.read_text(encoding="utf-8")), file.stem)


def _bodies(value, name):
    if isinstance(value, dict):
        if "data" in value and "extensions" in value:
            yield name, value
        for inner in value.values():
            yield from _bodies(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _bodies(inner, name)


def test_every_recorded_answer_is_read():
    read = [answers.read(name, json.dumps(body).encode()) for name, body in found_answers()]
    assert len(read) > 100
    for got in read:
        for field in got.data:
            try:
                got.payload(field)
            except (CommerceRefused, AccessDenied):
                pass
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
