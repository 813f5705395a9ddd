"""Which variants an offer sells, through the v2 API and the jobs it begins."""

from uuid import UUID

import pytest

from openstoq.preorders.offers import store
from openstoq.preorders.offers.attachments import jobs as attachment_jobs
from openstoq.preorders.offers.attachments import resolve
from tests.factories.catalogs import NOON, PRODUCT, product, save, variant
from tests.factories.waitlists import run_of

UNKNOWN = 999


@pytest.fixture
def at(offer_id):
    return f"/preorders/offers/{offer_id}/products"


@pytest.fixture
def finished(client, runtime, shop):
    """Begin a job by the API, run it, and return what polling its status URL says."""

    async def finished(at, body):
        answer = await client.post(at, json=body)
        assert answer.status_code == 202, answer.text
        job = answer.json()
        assert job["status_url"].endswith(job["job_id"])
        await attachment_jobs.attach.handler(run_of(runtime, shop), job_id=job["job_id"])
        polled = await client.get(f"/preorders/product_variants/jobs/{job['job_id']}")
        assert polled.status_code == 200, polled.text
        return polled.json()

    return finished


async def attached(client, at):
    answer = await client.get(f"{at}/variants")
    assert answer.status_code == 200, answer.text
    return [one["shopify_variant_id"] for one in answer.json()["variants"]]


async def test_variants_are_attached_by_a_job_and_an_unknown_one_fails_alone(
    client, at, catalogue, finished
):
    job = await finished(f"{at}/add_variants", {"variant_ids": [*catalogue[:2], UNKNOWN]})
    assert job["status"] == "completed"
    assert str(UNKNOWN) in str(job)
    assert await attached(client, at) == catalogue[:2]
    answer = await client.post(f"{at}/remove_variants", json={"variant_ids": catalogue[:1]})
    assert answer.status_code == 202
    assert answer.json()["variant_count"] == 1
    assert await attached(client, at) == [catalogue[1]]
    again = await client.post(f"{at}/remove_variants", json={"variant_ids": catalogue[:1]})
    assert again.status_code == 404


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("set_collection", {"collection_id": 5}),
        ("set_excluded_variants", {"variant_ids": [11]}),
        ("set_exclusion_tag", {"tag": "no"}),
    ],
)
async def test_an_action_of_another_source_is_a_conflict(client, at, action, body):
    assert (await client.post(f"{at}/{action}", json=body)).status_code == 409


async def test_all_variants_need_confirming_and_leave_out_list_and_tag(
    client, at, database, shop, catalogue, finished
):
    await save(
        database, shop, product(variant(41, product_id=4), id=4, tags=("new", "No-Preorder"))
    )
    refused = await client.post(f"{at}/set_source_to_all", json={})
    assert refused.status_code == 422
    assert "confirm" in refused.text
    assert (await client.get(at)).json()["source"] == "custom"
    await finished(f"{at}/set_source_to_all", {"confirm": True})
    assert await attached(client, at) == [*catalogue, 41]
    await finished(f"{at}/set_excluded_variants", {"variant_ids": [catalogue[0]]})
    assert await attached(client, at) == [*catalogue[1:], 41]
    await finished(f"{at}/set_exclusion_tag", {"tag": "no-preorder"})
    assert await attached(client, at) == catalogue[1:]
    adding = await client.post(f"{at}/add_variants", json={"variant_ids": [11]})
    assert adding.status_code == 409


async def test_a_variants_override_falls_back_to_the_offer_when_cleared(
    client, at, catalogue, finished
):
    await finished(f"{at}/add_variants", {"variant_ids": catalogue})
    offer = at.removesuffix("/products")
    await client.post(f"{offer}/shipping/set_shipping_text", json={"text": "In May"})
    here = f"{at}/variants/{catalogue[0]}"
    body = {"shipping_text": "In August", "max_count": 50}
    assert (await client.patch(here, json=body)).status_code == 202
    own = (await client.get(here)).json()
    assert (own["effective_shipping_text"], own["max_count"]) == ("In August", 50)
    cleared = {"shipping_text": None, "max_count": None}
    assert (await client.patch(here, json=cleared)).status_code == 202
    back = (await client.get(here)).json()
    assert (back["shipping_text"], back["max_count"]) == (None, None)
    assert back["effective_shipping_text"] == "In May"
    assert (await client.get(f"{at}/variants/{UNKNOWN}")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/inventory", {"provider": "shopify"}),
        ("POST", "/inventory/set_provider", {"provider": "shopify"}),
        ("PATCH", "", {"inventory": {"provider": "shopify"}}),
    ],
)
async def test_provider_shopify_forces_the_source_custom_and_keeps_the_variants(
    client, at, catalogue, finished, method, path, body
):
    excluded = {"confirm": True, "excluded_variant_ids": catalogue[:1]}
    await finished(f"{at}/set_source_to_all", excluded)
    offer = at.removesuffix("/products")
    answer = await client.request(method, f"{offer}{path}", json=body)
    assert answer.status_code == 202, answer.text
    products = (await client.get(at)).json()
    assert (products["source"], products["all"], products["variant_count"]) == ("custom", None, 2)
    assert await attached(client, at) == catalogue[1:]
    # They are a list of the offer's own now, which is added to and taken from.
    await finished(f"{at}/add_variants", {"variant_ids": catalogue[:1]})
    await client.post(f"{at}/remove_variants", json={"variant_ids": catalogue[2:]})
    assert await attached(client, at) == catalogue[:2]
    refused = await client.post(f"{at}/set_source_to_all", json={"confirm": True})
    assert refused.status_code == 409
    assert "set_provider" in refused.text


async def test_provider_shopify_cancels_what_was_still_to_be_attached(
    client, at, catalogue, runtime, shop
):
    job = (await client.post(f"{at}/set_source_to_all", json={"confirm": True})).json()
    await client.patch(f"{at.removesuffix('/products')}/inventory", json={"provider": "shopify"})
    await attachment_jobs.attach.handler(run_of(runtime, shop), job_id=job["job_id"])
    told = (await client.get(f"/preorders/product_variants/jobs/{job['job_id']}")).json()
    assert told["status"] == "cancelled"
    assert await attached(client, at) == []


async def test_changing_the_source_itself_resets_the_variants(client, at, catalogue, finished):
    await finished(f"{at}/add_variants", {"variant_ids": catalogue})
    body = {"source": "collection", "collection": {"collection_id": 5}}
    assert (await client.patch(at, json=body)).status_code == 202
    # Until the collection was read, the variants stay.
    assert await attached(client, at) == catalogue
    body = {"source": "custom", "custom": {"variant_ids": catalogue[:1]}}
    assert (await client.patch(at, json=body)).json()["variant_count"] == 1
    assert await attached(client, at) == []


async def test_repeating_the_source_all_changes_what_is_sent_and_nothing_else(
    client, at, catalogue, finished
):
    excluded = {"confirm": True, "excluded_variant_ids": catalogue[:1], "exclusion_tag": "old"}
    await finished(f"{at}/set_source_to_all", excluded)
    here = f"{at}/variants/{catalogue[1]}"
    assert (await client.patch(here, json={"max_count": 9})).status_code == 202
    for method, path, body, left_out in (
        ("PATCH", at, {"all": {"exclusion_tag": "new"}}, ("new", catalogue[:1])),
        ("PATCH", at, {"all": None}, ("new", catalogue[:1])),
        ("POST", f"{at}/set_source_to_all", {}, ("new", catalogue[:1])),
        ("PATCH", at, {"all": {"exclusion_tag": None}}, (None, catalogue[:1])),
        ("PATCH", at, {"all": {"excluded_variant_ids": []}}, (None, [])),
    ):
        source = {"source": "all"} if method == "PATCH" else {}
        asked = await client.request(method, path, json={"confirm": True} | source | body)
        assert asked.status_code == 202, asked.text
        products = (await client.get(at)).json()
        now = products["all"]
        assert (now["exclusion_tag"], now["excluded_variant_ids"]) == left_out, body
        assert products["variant_count"] == 2
        assert (await client.get(here)).json()["max_count"] == 9


async def test_naming_the_same_collection_looks_its_variants_up_again(client, at):
    body = {"source": "collection", "collection": {"collection_id": 5}}
    for _ in range(2):
        asked = await client.patch(at, json=body)
        assert asked.status_code == 202, asked.text
        assert asked.json()["job_id"].startswith("bulk_set_source_to_collection_")
    flag = {"source": "collection", "collection": {"auto_refresh": True}}
    alone = (await client.patch(at, json=flag)).json()
    assert alone["collection"] == {
        "collection_id": 5,
        "auto_refresh": True,
        "excluded_variant_ids": [],
    }
    again = await client.patch(at, json=body)
    assert "job_id" in again.json()
    assert (await client.get(at)).json()["collection"]["auto_refresh"] is True


async def test_a_custom_list_is_replaced(client, at, catalogue, finished):
    await finished(f"{at}/add_variants", {"variant_ids": catalogue[:2]})
    own = {"shipping_text": "In May"}
    assert (await client.patch(f"{at}/variants/{catalogue[1]}", json=own)).status_code == 202
    await finished(f"{at}/set_source_to_custom", {"variant_ids": catalogue[1:]})
    assert await attached(client, at) == catalogue[1:]
    kept = (await client.get(f"{at}/variants/{catalogue[1]}")).json()
    assert kept["shipping_text"] == "In May"
    block = {"source": "custom", "custom": {"variant_ids": catalogue[:1]}}
    answer = await client.patch(at, json=block)
    assert answer.status_code == 202
    assert await attached(client, at) == []
    await finished(f"{at}/set_source_to_custom", {})
    await finished(f"{at}/add_variants", {"variant_ids": catalogue})
    for left_alone in ({"source": "custom"}, {"source": "custom", "custom": {}}):
        assert (await client.patch(at, json=left_alone)).status_code == 202
        assert await attached(client, at) == catalogue
    await finished(f"{at}/set_source_to_custom", {"variant_ids": []})
    assert await attached(client, at) == []
    assert (await client.get(at)).json()["variant_count"] == 0


async def test_a_replaced_list_ends_the_job_that_attaches_it(
    client, at, catalogue, finished, runtime, shop
):
    older = (await client.post(f"{at}/add_variants", json={"variant_ids": catalogue})).json()
    await finished(f"{at}/set_source_to_custom", {"variant_ids": catalogue[:1]})
    await attachment_jobs.attach.handler(run_of(runtime, shop), job_id=older["job_id"])
    polled = (await client.get(f"/preorders/product_variants/jobs/{older['job_id']}")).json()
    assert (polled["status"], polled["processed"]) == ("cancelled", 0)
    assert "replaced" in polled["error"]
    assert await attached(client, at) == catalogue[:1]


async def test_what_is_detached_from_all_offers_stays_so(
    client, at, catalogue, finished, runtime, shop, database
):
    detach = f"/preorders/product_variants/{catalogue[0]}/detach_from_all_offers"
    await finished(f"{at}/set_source_to_all", {"confirm": True})
    answer = await client.post(detach)
    assert (answer.status_code, len(answer.json()["detached_from"])) == (202, 1)
    assert await attached(client, at) == catalogue[1:]
    shown = (await client.get(at)).json()
    assert shown["all"]["excluded_variant_ids"] == catalogue[:1]
    assert shown["variant_count"] == len(catalogue) - 1
    await finished(f"{at}/set_source_to_all", {"confirm": True})
    assert await attached(client, at) == catalogue[1:]
    assert (await client.post(detach)).status_code == 202
    assert (await client.get(at)).json()["all"]["excluded_variant_ids"] == catalogue[:1]
    none = {"variant_ids": []}
    await finished(f"{at}/set_excluded_variants", none)
    assert await attached(client, at) == catalogue


async def test_what_is_detached_from_a_collection_is_excluded_from_it(
    client, at, catalogue, database, shop, offer_id
):
    began = await client.post(f"{at}/set_source_to_collection", json={"collection_id": 5})
    assert began.status_code == 202
    async with database.transaction(shop.id) as db:
        offer = await store.load(db, shop.id, UUID(offer_id), lock=True)
        assert await resolve.attach_products(db, shop.id, offer, [PRODUCT], NOON) == len(catalogue)
    detach = f"/preorders/product_variants/{catalogue[0]}/detach_from_all_offers"
    assert (await client.post(detach)).status_code == 202
    shown = (await client.get(at)).json()["collection"]
    assert shown["excluded_variant_ids"] == catalogue[:1]
    async with database.transaction(shop.id) as db:
        offer = await store.load(db, shop.id, UUID(offer_id), lock=True)
        assert await resolve.attach_products(db, shop.id, offer, [PRODUCT], NOON) == 0
    again = {"source": "collection", "collection": {"excluded_variant_ids": []}}
    assert "job_id" in (await client.patch(at, json=again)).json()
    assert (await client.get(at)).json()["collection"]["excluded_variant_ids"] == []
    async with database.transaction(shop.id) as db:
        offer = await store.load(db, shop.id, UUID(offer_id), lock=True)
        assert await resolve.attach_products(db, shop.id, offer, [PRODUCT], NOON) == 1
    assert (await client.post(detach)).status_code == 202
    other = await client.post(f"{at}/set_collection", json={"collection_id": 6})
    assert other.status_code == 202
    assert (await client.get(at)).json()["collection"]["excluded_variant_ids"] == []
