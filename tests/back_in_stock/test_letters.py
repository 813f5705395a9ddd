"""What an alert shows of a product, as the shop tells it now."""

import re
from email import message_from_bytes, policy

import pytest

from openstoq.back_in_stock.notifications.jobs import send_wave
from tests.factories.catalogs import product, save, seconds_after_noon, variant
from tests.factories.waitlists import make_signup, run_of, stock_becomes

pytestmark = pytest.mark.usefixtures("sold_out")


@pytest.fixture
def alert(database, runtime, shop, relay):
    """Save a state of the product, and return the alert that is sent of it then."""

    async def sent_of(**changes):
        image_url = changes.pop("variants_image_url", None)
        shown = product(variant(image_url=image_url), updated_at=seconds_after_noon(1), **changes)
        await save(database, shop, shown, read_at=seconds_after_noon(1))
        await make_signup(database, shop)
        (wave_id,) = await stock_becomes(runtime, shop, 5, 2)
        await send_wave.handler(run_of(runtime, shop), wave_id=wave_id)
        (email,) = relay.taken
        message = message_from_bytes(email.content, policy=policy.default)
        return message.get_body(("html",)).get_content()

    return sent_of


async def test_a_renamed_product_is_linked_by_its_new_name(alert):
    content = await alert(handle="splitboard", url=None)
    assert "/products/splitboard?variant=11" in content
    assert "/products/snowboard" not in content


@pytest.mark.parametrize(
    ("variants", "products", "shown"),
    [
        (None, None, "https://cdn.test/blue.png"),
        ("", None, "https://cdn.test/board.png"),
        ("", "https://cdn.test/new.png", "https://cdn.test/new.png"),
        ("", "", ""),
    ],
)
async def test_a_picture_that_was_taken_away_is_not_shown(alert, variants, products, shown):
    content = await alert(variants_image_url=variants, image_url=products)
    assert set(re.findall(r"https://cdn\.test/\w+\.png", content)) == {shown} - {""}
