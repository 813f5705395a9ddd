"""`openstoq demo --script`: the stories end well, and say so when something is wrong."""

import subprocess
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from openstoq.__main__ import app
from openstoq.commands.scripts.orders import Preorder
from openstoq.commands.scripts.preorder import Preorders
from openstoq.commands.scripts.stage import Demo as Stage
from openstoq.commands.scripts.stage import Place
from openstoq.commands.scripts.story import Differs
from tests.e2e.demos import Demo, demos, five_free_ports, started
from tests.e2e.plant import first_line, start
from tests.factories.clients import patient_client
from tests.factories.patience import PATIENCE

__all__ = ["demos"]


async def _timeline(demo: Demo) -> str:
    """Return what a demo prints until its stories are over."""
    said = b""
    while b"All as it should be." not in said:
        line = await first_line(demo.process)
        assert line, said.decode()
        said += line
    return said.decode()


async def _refunded_unheard(story: Preorders, order: Preorder) -> None:
    """Have the merchant pay a cent back, of which we cannot know.

    No webhook tells of it, and the shop answers no read: the reconciliation, which may begin at any
    moment, would find it.
    """
    await story.control("POST", "faults", on="webhooks", fault="drop", count=50)
    await story.control("POST", "faults", on="graphql", fault="status", status=503, count=1000)
    await story.control("POST", f"orders/{order.id}/refund", amount="0.01")


async def test_the_stories_are_played_and_what_differs_is_noticed(
    tmp_path: Path, demos: list[subprocess.Popen[bytes]]
):
    stories = ("--script", "preorder", "--script", "back-in-stock", "--stay")
    with (tmp_path / "log").open("wb") as log:
        demo = await started(tmp_path / "data", five_free_ports(), demos, *stories, log=log)
        said = await _timeline(demo)
    assert "ledger and Shopify agree to the cent: 1319.88 came, 219.98 went back" in said
    assert "unsubscribes with one click" in said
    assert b"job.failed" not in (tmp_path / "log").read_bytes()

    where = demo.where
    stage = Stage(**{**where, "other_shop": Place(**where["other_shop"])})
    async with patient_client() as http:
        story = Preorders(stage, http, Console(quiet=True), patience=0.2)
        listed = (await story.control("GET", "orders"))["orders"]
        orders = [
            Preorder(one["id"], one["name"], one["email"], one["status_url"]) for one in listed
        ]
        assert len(orders) == 3
        await story.agree(orders)
        await _refunded_unheard(story, orders[0])
        with pytest.raises(Differs, match=r"the money of #1001: .* instead of .*'0\.01'"):
            await story.agree(orders)
    demo.stop()


def test_a_story_in_which_something_is_wrong_ends_with_a_sentence(tmp_path: Path):
    command = ["-m", "openstoq", "demo", "--script", "preorder", "--data-dir", str(tmp_path)]
    # So few points that the shop's key is refused in the middle of it.
    process = start([*command, "--port", str(five_free_ports())], {"OPENSTOQ_LIMITS_POINTS": "5"})
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "is sold out" in said.decode()
    assert "answered 429" in said.decode().splitlines()[-1]


def test_a_story_is_not_played_in_a_shop_that_has_one(tmp_path: Path):
    (tmp_path / "postgres").mkdir()
    options = ["demo", "--script", "preorder", "--data-dir", str(tmp_path)]
    refused = CliRunner().invoke(app, options, env={"COLUMNS": "400"})
    assert refused.exit_code == 2
    assert "a story begins with an empty shop" in refused.output


def test_an_unknown_story_is_refused_with_the_names_of_those_there_are():
    refused = CliRunner().invoke(app, ["demo", "--script", "x"], env={"COLUMNS": "400"})
    assert refused.exit_code == 2
    assert "there is back-in-stock, preorder" in refused.output
