"""Holding, releasing, splitting and merging answer as Shopify was recorded to answer."""

import pytest

from sandbox.ordered import Storekeeper
from tests.facts.load import recorded_scenario

# What differs between two shops that do the same.
OWN = {"name", "title", "updatedAt", "fulfillAt", "locations", "cost", "createdAt"}

READ = """query ($id: ID!) { order(id: $id) { id fulfillmentOrders(first: 5) { nodes {
  id status supportedActions { action } lineItems(first: 5) { nodes {
    id totalQuantity remainingQuantity lineItem { id quantity fulfillableQuantity } } } } } } }"""


class Replay:
    """Asks the sandbox what Shopify was asked, with its own ids in the place of Shopify's."""

    def __init__(self, site):
        self.site = site
        self.keeper = Storekeeper(site.shop())
        self.ids = {}

    async def play(self, name):
        """Do everything that was recorded, in its order."""
        for step in recorded_scenario(name):
            await (self.ask(step) if "query" in step else self.order(step))

    async def order(self, step):
        """Place an order of the same lines as the recorded one, and pair its ids."""
        made = self.keeper.order(
            *(
                self.keeper.line(quantity, variant=index)
                for index, quantity in enumerate(step["quantities"])
            )
        )
        assert len(made.fulfillment_orders) == 1
        answer = await self.site.graphql(READ, {"id": f"gid://shopify/Order/{made.id}"})
        self.agree(answer["data"]["order"], step["order"])

    async def ask(self, step):
        """Send a recorded request, and compare its answer."""
        answer = await self.site.graphql(step["query"], self.own(step["variables"]))
        theirs = step["answer"]
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


@pytest.mark.parametrize(
    "name",
    [
        "fulfillment-order-hold-multi-line",
        "fulfillment-order-hold-validation",
        "fulfillment-order-release-hold-selective",
        "fulfillment-order-split-multi",
    ],
)
async def test_every_step_answers_as_recorded(site, name):
    await Replay(site).play(name)
