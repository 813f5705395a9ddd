"""The public pages and the pictures they show."""

import struct
import zlib

import pytest

from sandbox.site import NORTHWIND, SNOWDEVIL, running
from shopify_sandbox.pages.pictures import SIZE, picture


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


async def test_a_picture_is_a_png_that_mail_clients_show(site):
    answer = await site.http.get(f"{site.url}/shops/{SNOWDEVIL}/files/trail-mug.png")
    assert answer.headers["content-type"] == "image/png"
    data = answer.content
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    assert (width, height, depth, colour) == (SIZE, SIZE, 8, 2)
    at, pixels = 8, b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, chunk = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(kind + chunk)
        pixels += chunk if kind == b"IDAT" else b""
        at += 12 + length
    assert len(zlib.decompress(pixels)) == SIZE * (1 + 3 * SIZE)


def test_a_picture_is_always_the_same_and_each_product_has_its_own():
    handles = ["canvas-tote", "reading-lamp"]
    first = [picture(each) for each in handles]
    picture.cache_clear()
    assert [picture(each) for each in handles] == first
    assert first[0] != first[1]
