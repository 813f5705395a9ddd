"""Holding, releasing, splitting and merging answer as Shopify was recorded to answer."""

import json

import pytest

from sandbox.ordered import Storekeeper
from sandbox.samples import SHOPIFY

RECORDED = SHOPIFY / "recorded" / "2026-04" / "shipping-fulfillments"
# What differs between two shops that do the same.
OWN = {"name", "title", "updatedAt", "fulfillAt", "locations", "cost", "createdAt"}

READ = """query ($id: ID!) { order(id: $id) { id fulfillmentOrders(first: 5) { nodes {
  id status supportedActions { action } lineItems(first: 5) { nodes {
    id totalQuantity remainingQuantity lineItem { id quantity fulfillableQuantity } } } } } } }"""


class Replay:
    """Asks the sandbox what Shopify was asked, with its own ids in the place of Shopify's."""

    def __init__(self, site, name):
        file = RECORDED / f"{name}.json"
        if not file.exists():
            pytest.skip("Shopify's recorded answers are not beside this checkout")
        self.site = site
        self.keeper = Storekeeper(site.shop())
        self.steps = json.loads(file.read_text())
        self.ids = {}

    async def order(self, created):
        """Place an order of the same lines as the recorded one, and pair its ids."""
        theirs = created["response"]["payload"]["data"]["orderCreate"]["order"]
        lines = created["variables"]["order"]["lineItems"]
        made = self.keeper.order(
            *(self.keeper.line(each["quantity"], variant=index) for index, each in enumerate(lines))
        )
        assert len(made.fulfillment_orders) == 1
        answer = await self.site.graphql(READ, {"id": f"gid://shopify/Order/{made.id}"})
        self.agree(answer["data"]["order"], theirs)

    async def ask(self, step):
        """Send a recorded request, and compare its answer."""
        answer = await self.site.graphql(step["query"], self.own(step["variables"]))
        theirs = step["response"]["payload"]
        self.agree(answer["data"], theirs["data"])
        assert ("errors" in answer) == ("errors" in theirs)
        self.agree(answer.get("errors", []), theirs.get("errors", []))

    def own(self, value):
        """Put this shop's ids in the place of Shopify's."""
        if isinstance(value, dict):
            return {key: self.own(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.own(each) for each in value]
        return self.ids.get(value, value) if isinstance(value, str) else value

    def agree(self, ours, theirs, path=""):
        """Compare two answers in everything that both have, ids by what they stand for."""
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for key in ours.keys() & theirs.keys() - OWN:
                self.agree(ours[key], theirs[key], f"{path}/{key}")
        elif isinstance(theirs, list) and isinstance(ours, list):
            assert len(ours) == len(theirs), path
            for index, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
                self.agree(mine, other, f"{path}/{index}")
        elif isinstance(theirs, str) and theirs.startswith("gid://shopify/"):
            assert self.ids.setdefault(theirs, ours) == ours, path
        else:
            assert ours == theirs, path


@pytest.fixture(autouse=True)
def one_location(site):
    """Let every line come from one place, as in the recorded shop."""
    for each in list(site.shop().locations.values())[1:]:
        each.is_active = False


async def test_a_hold_on_several_lines(site):
    replay = Replay(site, "fulfillment-order-hold-multi-line")
    await replay.order(replay.steps["setup"]["orderCreate"])
    await replay.ask(replay.steps["workflow"]["hold"])
    await replay.ask(replay.steps["cleanup"]["releaseHold"])


async def test_holds_that_are_refused(site):
    replay = Replay(site, "fulfillment-order-hold-validation")
    await replay.order(replay.steps["setup"]["create"])
    steps = replay.steps["workflows"]["validation"]
    assert len(steps) == 8
    for step in steps.values():
        for each in step if isinstance(step, list) else [step]:
            await replay.ask(each)


async def test_a_release_of_one_hold_of_two(site):
    replay = Replay(site, "fulfillment-order-release-hold-selective")
    await replay.order(replay.steps["setup"]["create"])
    for step in replay.steps["workflows"]["selectiveRelease"].values():
        await replay.ask(step)
    await replay.ask(replay.steps["cleanup"]["releaseRemainingHold"])


async def test_splits_that_are_refused_or_done_and_their_merge(site):
    replay = Replay(site, "fulfillment-order-split-multi")
    for name, step in replay.steps["captures"].items():
        await (replay.order(step) if name.endswith("Create") else replay.ask(step))
    await replay.ask(replay.steps["cleanup"]["merge"])
