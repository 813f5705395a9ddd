"""The public pages and the pictures they show."""

import struct

import pytest

from sandbox.site import NORTHWIND, SNOWDEVIL, running


async def page(site, path, domain=SNOWDEVIL):
    answer = await site.http.get(f"{site.url}/shops/{domain}/{path}")
    assert answer.status_code == 200
    return answer.text


async def test_the_front_page_shows_every_product_for_sale(site):
    text = await page(site, "")
    for product in site.shop().products.values():
        assert product.title in text
        assert site.shop().picture_url(product) in text
    assert "$549.95" in text
    assert "€64.00" in await page(site, "", NORTHWIND)


async def test_a_product_page_shows_the_chosen_variant(site):
    sold_out, in_stock, _ = next(iter(site.shop().products.values())).variants
    text = await page(site, f"products/alpine-snowboard?variant={sold_out.id}")
    assert '<span class="badge out" id="availability">Sold out</span>' in text
    text = await page(site, f"products/alpine-snowboard?variant={in_stock.id}")
    assert '<span class="badge" id="availability">In stock</span>' in text
    assert "<td>Aspen Warehouse</td><td>4</td>" in text
    # Without a wish, one that can be bought is shown.
    assert 'id="availability">In stock' in await page(site, "products/alpine-snowboard")


async def test_a_sold_out_page_offers_to_write_when_there_is_somebody_to_ask(site):
    assert "Notify me" not in await page(site, "products/canvas-tote")
    async with running(signup_api="http://127.0.0.1:9") as asking:
        assert "Notify me" in await page(asking, "products/canvas-tote")
        assert "Notify me" not in await page(asking, "products/trail-mug")


async def test_texts_cannot_break_out_of_the_page(site):
    await site.control("POST", "products", {"title": "<script>alert(1)</script>", "handle": "x"})
    assert "<script>alert" not in await page(site, "products/x")


@pytest.mark.parametrize("path", ["products/none", "files/none.png"])
async def test_what_is_not_there_is_404(site, path):
    assert (await site.http.get(f"{site.url}/shops/{SNOWDEVIL}/{path}")).status_code == 404
    assert (await site.http.get(f"{site.url}/shops/nobody/{path}")).status_code == 404


async def picture(site, handle):
    answer = await site.http.get(f"{site.url}/shops/{SNOWDEVIL}/files/{handle}.png")
    assert answer.headers["content-type"] == "image/png"
    return answer.content


async def test_every_product_has_a_picture_of_its_own_that_mail_clients_show(site):
    shown = [await picture(site, each.handle) for each in site.shop().products.values()]
    assert len(set(shown)) == len(shown) == 8
    for data in shown:
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">IIBB", data[16:26]) == (600, 600, 8, 2)


async def test_products_that_a_merchant_adds_share_a_picture(site):
    for handle in ("ski-goggles", "ski-poles"):
        await site.control("POST", "products", {"title": handle, "handle": handle})
    assert await picture(site, "ski-goggles") == await picture(site, "ski-poles")
