"""What a preorder's cart line says of it: which properties, with which texts, in which language."""

from datetime import UTC, datetime

import pytest

from openstoq.kernel.ids import new_id
from openstoq.preorders.offers.capabilities import payments
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.storefront import metafields

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def offer():
    made = Offer(id=new_id(), created_at=NOON, updated_at=NOON)
    payments.set_mode(made.payments, mode="full_and_partial")
    made.shipping.display.shipping_text = "In May"
    return made


def told(offer, locale="en", **texts):
    described = metafields.described(offer, {"fr": texts})
    return metafields.localized(described, locale)["line_item_properties"]


def test_every_line_names_its_offer_also_without_a_selling_plan(offer):
    offer.advanced.line_item_properties.include_shipping_text = False
    offer.advanced.use_shopify_selling_plan = False
    named = {"_openstoq_offer": str(offer.id)}
    assert told(offer) == {"full": named, "partial": named}


def test_an_option_that_is_not_there_has_no_properties(offer):
    payments.set_mode(offer.payments, mode="partial")
    found = told(offer)
    assert found["full"] is None
    assert found["partial"]["Shipping"] == "In May"


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ({}, {"Shipping"}),
        ({"include_shipping_text": False}, set()),
        ({"include_payment_breakdown": True}, {"Shipping", "Payment"}),
        ({"include_acknowledgement": True}, {"Shipping", "Terms"}),
        ({"custom_text": "Made for you"}, {"Shipping", "Note"}),
        ({"custom_text": ""}, {"Shipping"}),
    ],
)
def test_the_settings_say_which_properties_there_are(offer, flags, names):
    offer.checkout.terms.enabled = True
    for name, value in flags.items():
        setattr(offer.advanced.line_item_properties, name, value)
    for own in told(offer).values():
        assert set(own) == {"_openstoq_offer", *names}


def test_each_property_has_its_own_text(offer):
    settings = offer.advanced.line_item_properties
    settings.include_payment_breakdown, settings.custom_text = True, "Made for you"
    offer.checkout.terms.enabled = offer.checkout.terms.include_in_line_item_properties = True
    same = {
        "_openstoq_offer": str(offer.id),
        "Shipping": "In May",
        "Terms": "I agree to the preorder terms",
        "Note": "Made for you",
    }
    assert told(offer) == {
        "full": {**same, "Payment": "Pay in full"},
        "partial": {**same, "Payment": "Pay a deposit"},
    }


def test_terms_that_nobody_has_to_accept_are_on_no_line(offer):
    offer.advanced.line_item_properties.include_acknowledgement = True
    assert "Terms" not in told(offer)["full"]


def test_a_translated_text_is_a_translated_property(offer):
    offer.advanced.line_item_properties.include_payment_breakdown = True
    offer.payments.discount = payments.Discount(type="percentage", value=10)
    texts = {
        "shipping.display.shipping_text": "En mai, {{ discount }} de moins",
        "payments.options.partial.billing_title": "Acompte",
        "advanced.line_item_properties.custom_text": "Fait pour vous",
    }
    french = told(offer, "fr-CA", **texts)
    assert french["full"] == {
        "_openstoq_offer": str(offer.id),
        "Shipping": "En mai, 10% de moins",
        "Payment": "Pay in full",
        "Note": "Fait pour vous",
    }
    assert french["partial"]["Payment"] == "Acompte"
    assert told(offer, "en", **texts)["full"]["Shipping"] == "In May"
