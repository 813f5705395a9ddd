"""Ids, money, paging and deep-partial updates."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from openstoq.kernel.ids import OrderId, VariantId, created_at, new_id
from openstoq.kernel.money import Money
from openstoq.kernel.paging import Page
from openstoq.kernel.patch import Settings, merge, partial_of
from openstoq.kernel.types import Amount, Line


class Badge(Settings):
    enabled: bool = True
    text: str | None = "Preorder"


class Widget(Settings):
    badge: Badge = Badge()
    sizes: list[int] = [1, 2]


@pytest.mark.parametrize("sent", [7, "7", " 7 ", "gid://shopify/ProductVariant/7"])
def test_shopify_ids_are_read_in_every_form(sent):
    assert TypeAdapter(VariantId).validate_python(sent) == 7


@pytest.mark.parametrize(
    "sent",
    [
        0,
        -1,
        2**63,
        str(2**63),
        "9" * 400,
        True,
        1.5,
        None,
        "",
        "seven",
        "٧",
        "gid://shopify/Order/x",
    ],
)
def test_other_ids_are_refused(sent):
    with pytest.raises(ValidationError):
        TypeAdapter(VariantId).validate_python(sent)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [(VariantId, "must be the id of a ProductVariant"), (OrderId, "must be the id of an Order")],
)
def test_the_id_of_another_kind_of_thing_is_refused(kind, sentence):
    with pytest.raises(ValidationError, match=sentence):
        TypeAdapter(kind).validate_python("gid://shopify/InventoryItem/1")


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        (5, "5"),
        (12.5, "12.5"),
        (-0.0, "0"),
        (1e3, "1000.0"),
        ("12.50", "12.50"),
        ("0", "0"),
        ("123456789012.1234", "123456789012.1234"),
    ],
)
def test_an_amount_is_written_as_a_plain_decimal(sent, written):
    assert str(TypeAdapter(Amount).validate_python(sent)) == written


@pytest.mark.parametrize(
    "sent",
    [
        *("1E+5", "1e5", "-0", "+5", "5.", ".5", " 5 ", "5\n", "1_000", "٥", "", "NaN", "Infinity"),
        *("1234567890123", "0.00001", "-1", -1, 1e12, 1e-5, 1e300, float("inf"), True, None, []),
    ],
)
def test_other_amounts_are_refused(sent):
    with pytest.raises(ValidationError):
        TypeAdapter(Amount).validate_python(sent)


def test_ids_sort_by_age():
    ids = [new_id() for _ in range(50)]
    assert ids == sorted(ids)
    assert {made.version for made in ids} == {7}


def test_an_id_tells_when_it_was_made():
    made = created_at(UUID("01890a5d-ac96-774b-bcce-b302099a8057"))
    assert made == datetime(2023, 6, 30, 3, 34, 18, 518_000, tzinfo=UTC)
    assert created_at(new_id()).year >= 2026


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [("10.005", "USD", "10.01"), ("99.5", "JPY", "100"), ("1.2345", "KWD", "1.235")],
)
def test_money_rounds_to_the_currency(amount, currency, written):
    assert str(Money(Decimal(amount), currency)) == written


def test_page_meta():
    assert Page(2, 25).offset == 25
    assert Page(1, 25).meta(128).model_dump() == {
        "total_count": 128,
        "page": 1,
        "per_page": 25,
        "total_pages": 6,
    }


def test_patch_merges_objects_replaces_lists_and_clears_with_null():
    widget = merge(Widget(), {"badge": {"text": None}, "sizes": [3]})
    assert widget.model_dump() == {"badge": {"enabled": True, "text": None}, "sizes": [3]}


@pytest.mark.parametrize(
    "sent", [{"badge": {"enabled": None}}, {"badge": None}, {"badge": {"colour": 1}}, {"size": []}]
)
def test_patch_refuses(sent):
    with pytest.raises(ValidationError):
        merge(Widget(), partial_of(Widget).model_validate(sent).model_dump(exclude_unset=True))


@pytest.mark.parametrize("sent", ["a\x00b", "\ud800"])
def test_text_that_postgres_cannot_hold_is_refused(sent):
    class Body(BaseModel):
        name: Line

    with pytest.raises(ValidationError):
        Body(name=sent)


class Shelf(Settings):
    badges: dict[str, Badge | None] | None = None
    rows: list[Badge] = []


def test_no_default_is_stated_of_what_a_patch_merges_under_names_of_the_callers_choice():
    schema = partial_of(Shelf).model_json_schema()
    merged = schema["$defs"]["BadgePatch"]["properties"]
    assert set(merged) == {"enabled", "text"}
    assert not any("default" in below for below in merged.values())
    # A list is replaced as a whole, so its entries do get the defaults.
    assert schema["$defs"]["Badge"]["properties"]["text"]["default"] == "Preorder"
