"""What queries cost, and what happens to a client that asks for too much."""

import httpx
import pytest

from sandbox.site import NORTHWIND
from shopify_sandbox.admin.throttle import Bucket

PAGE = """query ($first: Int!) { products(first: $first) { nodes { id title
  variants(first: 250) { nodes { id inventoryItem { id inventoryLevels(first: 50) {
    nodes { location { id } } } } } } } } }"""


class Seconds:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_bucket_leaks_and_fills():
    seconds = Seconds()
    bucket = Bucket(100, 10, seconds)
    assert bucket.take(80)
    assert not bucket.take(21)
    assert bucket.available == 20
    seconds.now = 2
    assert bucket.available == 40
    bucket.give_back(5)
    assert bucket.available == 45
    seconds.now = 100
    assert bucket.available == 100


async def test_an_answer_says_what_it_cost(site):
    cost = (await site.graphql("{ products(first: 10) { nodes { id } } }"))["extensions"]["cost"]
    assert cost["requestedQueryCost"] == 6
    assert 0 < cost["actualQueryCost"] <= 6
    status = cost["throttleStatus"]
    assert (status["maximumAvailable"], status["restoreRate"]) == (2000, 100)
    # What was not used has come back.
    assert status["currentlyAvailable"] >= 2000 - cost["actualQueryCost"]


async def test_an_empty_bucket_throttles_one_shop_only(site):
    await site.control("PATCH", "throttle", {"maximum": 50, "restore_rate": 0.0, "available": 5})
    refused = await site.graphql("{ products(first: 10) { nodes { id } } }")
    assert refused["errors"] == [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
    assert "data" not in refused
    cost = refused["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (6, None)
    assert cost["throttleStatus"]["currentlyAvailable"] == 5
    assert "errors" not in await site.graphql("{ shop { id } }")
    assert "errors" not in await site.graphql(
        "{ products(first: 10) { nodes { id } } }", domain=NORTHWIND
    )


async def test_a_query_over_1000_points_is_never_run(site):
    refused = await site.graphql(PAGE, {"first": 250})
    extensions = refused["errors"][0]["extensions"]
    assert extensions["code"] == "MAX_COST_EXCEEDED"
    assert extensions["cost"] > extensions["maxCost"] == 1000
    assert "errors" not in await site.graphql(PAGE, {"first": 1})


async def test_requests_fail_on_demand_and_then_no_more(site):
    await site.control("POST", "faults", {"fault": "throttled", "count": 2})
    await site.control("POST", "faults", {"fault": "status", "status": 429})
    await site.control("POST", "faults", {"fault": "status", "status": 503})
    for _ in range(2):
        answer = await site.graphql("{ shop { id } }")
        assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"
    busy = await site.post("{ shop { id } }")
    assert (busy.status_code, busy.headers["Retry-After"]) == (429, "2.0")
    assert (await site.post("{ shop { id } }")).status_code == 503
    assert "errors" not in await site.graphql("{ shop { id } }")


@pytest.mark.filterwarnings("default")
async def test_a_connection_closes_in_the_middle_on_demand(site):
    await site.control("POST", "faults", {"fault": "close"})
    with pytest.raises(httpx.RemoteProtocolError):
        await site.post("{ shop { id } }")
    assert (await site.post("{ shop { id } }")).status_code == 200


async def test_a_hanging_request_is_carried_out_all_the_same(site):
    await site.control("POST", "faults", {"fault": "hang", "seconds": 0.01})
    assert (await site.graphql("{ shop { name } }"))["data"] == {"shop": {"name": "Snowdevil"}}
    assert (await site.control("GET", "faults"))["graphql"] == []
