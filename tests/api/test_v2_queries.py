"""Queries of API v2: what is read, ignored and refused in them, and lists in every spelling."""

import pytest

from openstoq.registry import ACTIONS
from openstoq.web.requests import is_added, query_of

SETTINGS = "/back_in_stock/settings"
DELIVERY = f"{SETTINGS}/delivery"
SPELLINGS = (
    "{n}[]=1&{n}[]=2",
    "{n}=1&{n}=2",
    "{n}=1,2",
    "{n}%5B%5D=1&{n}%5B%5D=2",
    "{n}=1%2C%202",
    "{n}[]=1,2",
    "{n}[]=1&{n}=2",
    "{n}=1,&{n}=2,",
)


async def test_queries_of_reads_are_checked(client):
    unknown = await client.get(SETTINGS, params={"nope": "1"})
    assert (unknown.status_code, unknown.json()["errors"]) == (
        422,
        ["nope is not a known field"],
    )
    twice = await client.get(f"{SETTINGS}?a=1&a=2")
    assert (twice.status_code, twice.json()["errors"]) == (422, ["a may be given only once"])
    assert (await client.get(f"{SETTINGS}?a=%FF")).status_code == 400
    assert (await client.get(SETTINGS + "?" + "a=1&" * 1000)).status_code == 400


@pytest.mark.parametrize(
    "added",
    [
        "_=1700000000000",
        "utm_source=mail&utm_medium=a&utm_whatever=b",
        "gclid=x&fbclid=y&msclkid=z",
        "UTM_Source=mail&ScCid=1",
        "_=1&_=2",
        "mc_cid=1&mc_eid=2&_ga=3&hsCtaTracking=4",
        "gad_source=1&gbraid=2&srsltid=3",
    ],
)
async def test_what_caches_and_trackers_add_to_a_query_is_ignored(client, added):
    assert (await client.get(f"{SETTINGS}?{added}")).status_code == 200
    assert (await client.get(f"/help?{added}&prefix={DELIVERY}")).status_code == 200
    assert (await client.get(f"/preorders/offers?per_page=1&{added}")).status_code == 200
    written = await client.patch(f"{DELIVERY}?{added}", json={"stock_threshold": 4})
    assert (written.status_code, written.json()["stock_threshold"]) == (202, 4)
    also = await client.get(f"{SETTINGS}?{added}&nope=1&utm=2")
    assert also.json()["errors"] == ["nope is not a known field", "utm is not a known field"]


def test_no_field_has_a_name_that_is_ignored():
    for action in ACTIONS:
        for name in action.request_schema.get("properties", {}):
            assert not is_added(name), (action.name, name)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_list_in_a_query_is_one_however_it_is_written(spelling):
    query = spelling.format(n="variant_ids") + "&page=3"
    scope = {"query_string": query.encode()}
    assert query_of(scope, lists={"variant_ids"}) == {"variant_ids": ["1", "2"], "page": "3"}


async def test_every_list_in_a_query_is_read_in_every_spelling(client):
    seen = 0
    for action in ACTIONS:
        if action.writes or action.path_params:
            continue
        for name, schema in action.request_schema.get("properties", {}).items():
            kinds = [schema, *schema.get("anyOf", ())]
            if any(kind.get("type") == "array" for kind in kinds):
                for spelling in SPELLINGS:
                    answer = await client.get(f"{action.path}?{spelling.format(n=name)}")
                    assert answer.status_code == 200, answer.text
                many = "&".join(f"{name}[]={number}" for number in range(1, 301))
                assert (await client.get(f"{action.path}?{many}")).status_code == 200
                seen += 1
            else:
                answer = await client.get(f"{action.path}?{name}[]=1")
                assert answer.json()["errors"] == [f"{name}[] is not a known field"]
    assert seen


async def test_a_write_takes_no_query_but_dry_run(client):
    answer = await client.patch(f"{DELIVERY}?stock_threshold=4&dry_run=perhaps", json={})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        "stock_threshold is not a known query parameter; send it in the body",
        "dry_run must be true or false",
    ]
