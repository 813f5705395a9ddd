"""Whatever was sent, what is stored of an offer can be read back."""

from typing import Annotated

import pytest
from pydantic import AfterValidator, Field, ValidationError

from openstoq.actions.capability import Capability
from openstoq.errors import Invalid
from openstoq.kernel.patch import Settings, merge

# What strips as nothing; the last is a control character that only Python takes for a space.
BLANKS = [" ", "\t\n", "\u00a0", "\x1f"]


@pytest.mark.parametrize("blank", BLANKS)
async def test_a_tag_of_nothing_but_spaces_harms_no_offer(client, offer_id, blank):
    at = f"/preorders/offers/{offer_id}"
    for method, path, body in (
        ("POST", "/checkout/add_order_tag", {"tag": blank}),
        ("POST", "/checkout/set_order_tags", {"tags": ["a", blank]}),
        ("PATCH", "/checkout", {"order_tags": [blank]}),
        ("PATCH", "", {"checkout": {"order_tags": [blank]}}),
        ("POST", "/shipping/set_split_order_tag", {"tag": blank}),
    ):
        answer = await client.request(method, at + path, json=body)
        assert answer.status_code == 422, (path, answer.text)
        assert (await client.get(at)).status_code == 200
    assert (await client.get("/preorders/offers")).status_code == 200


async def test_a_tag_has_blocks_without_the_spaces_around_it(client, offer_id):
    at = f"/preorders/offers/{offer_id}/checkout"
    added = await client.post(f"{at}/add_order_tag", json={"tag": " Wave 2 "})
    assert added.json()["order_tags"] == ["Preorder", "Wave 2"]
    removed = await client.post(f"{at}/remove_order_tag", json={"tag": " wave 2"})
    assert removed.json()["order_tags"] == ["Preorder"]


async def test_a_value_that_cannot_be_read_counts_as_not_set_until_it_is_set_again(
    client, offer_id, database, shop
):
    at = f"/preorders/offers/{offer_id}"
    before = (await client.get(at)).json()["widget"]
    async with database.transaction(shop.id) as db:
        await db.execute('UPDATE offers SET widget = widget || \'{"nope": 1, "button": 7}\'')
    broken = (await client.get(at)).json()
    assert broken["widget"] == before
    assert broken["sync"]["state"] == "failed"
    assert "widget.nope" in broken["sync"]["error"]
    assert "widget.button" in broken["sync"]["error"]
    written = await client.patch(f"{at}/widget", json={"button": {"text": "Reserve"}})
    assert written.status_code == 202, written.text
    mended = (await client.get(at)).json()
    assert mended["widget"]["button"]["text"] == "Reserve"
    assert mended["sync"]["state"] == "pending"
    assert (await client.get("/preorders/offers/nope")).status_code == 404


def _shortened(names: list[str]) -> list[str]:
    return [name[:-1] for name in names]


class Guests(Settings):
    """A document whose list makes of a name what it would not take."""

    names: Annotated[list[Annotated[str, Field(min_length=1)]], AfterValidator(_shortened)] = []


guests = Capability(Guests, name="guests", about="guests")


def test_what_could_not_be_read_back_is_not_taken():
    with pytest.raises(ValidationError):
        merge(Guests(), {"names": ["x"]})
    with pytest.raises(Invalid, match=r"names\.0 must be at least 1 characters long"):
        guests.merged(Guests(), {"names": ["x"]})

    def invite(document: Guests) -> None:
        document.names = ["x"]

    with pytest.raises(Invalid, match=r"guests\.names\.0 must be"):
        guests.edited(Guests(), invite, under=("guests",))
