"""Every setting of a shop and of the installation is read somewhere, or known to be stored only."""

import pytest

from tests.contract.unread_settings import STORED_ONLY, problems, settings, sources, unread


@pytest.fixture(scope="module")
def ours():
    return sources()


def without(ours, *lines):
    """Our sources without some text, which must be there."""
    for line in lines:
        assert any(line in text for text in ours.values()), line
    changed = dict(ours)
    for line in lines:
        changed = {path: text.replace(line, "nothing") for path, text in changed.items()}
    return changed


def test_nothing_is_stored_without_an_effect(ours):
    assert problems(STORED_ONLY, unread(ours)) == []


@pytest.mark.parametrize(
    ("setting", "lines"),
    [
        ("offers.integrations.pos.enabled", ["integrations.pos.enabled"]),
        ("offers.integrations.pos.skip_inventory_check", ["integrations.pos.skip_inventory_check"]),
        ("offers.integrations.b2b.enabled", ["integrations.b2b.enabled"]),
        ("offers.inventory.provider", ["self.inventory.provider", "inventory->>'provider'"]),
        ("offers.limits.on_exceed", ["limits.on_exceed"]),
        ("back_in_stock.delivery.stock_threshold", ["stock_threshold"]),
        (
            "back_in_stock.compliance.optin_required",
            ["compliance->>'optin_required'", "compliance.optin_required"],
        ),
        ("offers.checkout.terms.text", ['"checkout.terms.text"']),
        ("offers.checkout.mixed_cart.error_message", ['["mixed_cart"]["error_message"]']),
        ("installation.collection.hold_unpaid", [".collection.hold_unpaid"]),
        ("installation.http.policy_seconds", [".policy_seconds"]),
    ],
)
def test_a_setting_that_is_no_longer_read_is_found(ours, setting, lines):
    assert setting in settings()
    (problem,) = problems(STORED_ONLY, unread(without(ours, *lines)))
    assert problem.startswith(f"{setting} is stored and nothing reads it")


def test_the_list_only_becomes_shorter(ours):
    found = unread(ours)
    read, gone = "offers.integrations.pos.enabled", "offers.nothing.*"
    listed = {**STORED_ONLY, read: "why", gone: "why"}
    assert problems(listed, found) == [
        f"{name} is in STORED_ONLY, and code reads it or it does not exist: take it off"
        for name in (read, gone)
    ]


@pytest.mark.parametrize(
    ("path", "code", "is_read"),
    [
        ("preorders/orders/x.py", "return offer.integrations.pos.enabled", True),
        ("preorders/orders/x.py", "pos = offer.integrations.pos\n    return pos.enabled", True),
        ("preorders/orders/x.py", "offer.integrations.pos.enabled = True", False),
        ("preorders/orders/x.py", "return offer.enabled", False),
        ("web/v1/x.py", "return offer.integrations.pos.enabled", False),
        ("preorders/offers/capabilities/x.py", "return offer.integrations.pos.enabled", False),
    ],
)
def test_what_only_edits_or_shows_a_setting_does_not_read_it(ours, path, code, is_read):
    others = without(ours, "integrations.pos.enabled")
    found = unread(others | {path: f"def f(offer: Offer):\n    {code}\n"})
    assert ("offers.integrations.pos.enabled" not in found) is is_read
