"""`openstoq demo --json`: one process to start, everything behind it real, nothing left behind."""

import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import httpx
import psutil
import pytest
from rich.console import Console
from typer.testing import CliRunner

from e2e.plant import first_line, start, until
from openstoq.__main__ import app
from openstoq.commands.scripts.orders import Preorder
from openstoq.commands.scripts.preorder import Preorders
from openstoq.commands.scripts.stage import Demo as Stage
from openstoq.commands.scripts.stage import Place
from openstoq.commands.scripts.story import Differs
from openstoq.db import embedded

pytestmark = pytest.mark.e2e

KEYS = {
    "api",
    "sandbox",
    "mail",
    "shop_domain",
    "api_key",
    "webhook_secret",
    "admin_token",
    "other_shop",
}
SIGNUPS = "/api/v2/external/back_in_stock/signups"


def _five_free_ports() -> int:
    """Return the first of five ports in a row that are free."""
    for first in range(21_000, 32_000, 5):
        with ExitStack() as held:
            try:
                for port in range(first, first + 5):
                    probe = held.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise AssertionError("there are no five free ports in a row")


class Demo:
    """A running demo and what it printed."""

    def __init__(self, process: subprocess.Popen[bytes], line: bytes) -> None:
        self.process, self.line = process, line
        self.where: dict[str, Any] = json.loads(line)

    def key(self, place: dict[str, Any] | None = None) -> dict[str, str]:
        return {"X-Auth-Token": (place or self.where)["api_key"]}

    def family(self) -> list[psutil.Process]:
        """Return all processes that it has started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def children(self, *commands: str) -> list[psutil.Process]:
        """Return the processes of `openstoq <command>`."""
        return [one for one in self.family() if one.cmdline()[-1] in commands]

    def stop(self) -> None:
        """Stop it as a service manager does; see that it says nothing more and leaves nothing."""
        family = self.family()
        assert {one.name() for one in family} >= {"postgres"}
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=20)
        assert (self.process.returncode, rest) == (0, b"")
        assert [one for one in family if one.is_running()] == []


@pytest.fixture
def demos() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Demos that a test starts; what still runs at its end is told to stop, children and all."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)


async def _started(
    folder: Path,
    port: int,
    demos: list[subprocess.Popen[bytes]],
    *options: str,
    log: IO[bytes] | None = None,
) -> Demo:
    where = ["--data-dir", str(folder), "--port", str(port)]
    process = start(["-m", "openstoq", "demo", "--json", *where, *options], {}, errors=log)
    demos.append(process)
    return Demo(process, await first_line(process, within=60))


async def _signup(demo: Demo, http: httpx.AsyncClient, variant: dict[str, Any]) -> str:
    """Sign a shopper up as a storefront does; return the signup's id."""
    response = await http.post(
        f"{demo.where['api']}/api/v1/intents.json",
        headers={"X-Shopify-Shop-Domain": demo.where["shop_domain"]},
        json={
            "intent": {
                "shopify_variant_id": variant["id"],
                "shopify_product_id": variant["product_id"],
                "channel": "email",
                "quantity": 1,
                "source": "api",
            },
            "customer": {"email": "ana@example.com", "name": "Ana"},
        },
    )
    assert response.status_code == 201, response.text
    return str(response.json()["intents"][0]["id"])


async def _sold_out(demo: Demo, http: httpx.AsyncClient) -> dict[str, Any]:
    control = f"{demo.where['sandbox']}/shops/{demo.where['shop_domain']}/control/products"
    products = await http.get(control, headers={"X-Sandbox-Token": demo.where["admin_token"]})
    return next(
        {**variant, "product_id": product["id"], "product": product["title"]}
        for product in products.json()["products"]
        for variant in product["variants"]
        if variant["inventory_quantity"] == 0
    )


async def _restocked(
    demo: Demo, http: httpx.AsyncClient, variant: dict[str, Any]
) -> dict[str, Any]:
    """Restock a variant in the sandbox shop; return the mail that is caught."""
    response = await http.post(
        f"{demo.where['sandbox']}/shops/{demo.where['shop_domain']}/control/stock",
        headers={"X-Sandbox-Token": demo.where["admin_token"]},
        json={"variant_id": variant["id"], "available": 5},
    )
    assert response.is_success

    async def caught() -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = (await http.get(f"{demo.where['mail']}/messages")).json()
        return messages

    (mail,) = await until(caught)
    return mail


async def _is_whole(mail: dict[str, Any], http: httpx.AsyncClient, product: str) -> None:
    """Assert that a mail has all that an alert has."""
    assert mail["to"] == ["ana@example.com"]
    assert "ana@example.com" in mail["headers"]["To"]
    assert product in mail["subject"] + mail["text"]
    assert product in mail["html"]
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    picture = re.search(r'<img src="([^"]+)"', mail["html"])
    assert picture is not None
    shown = await http.get(picture[1].replace("&amp;", "&"))
    assert shown.headers["Content-Type"].startswith("image/")


async def test_the_demo_plays_the_main_job_stops_cleanly_and_starts_again(
    tmp_path: Path, demos: list[subprocess.Popen[bytes]]
):
    port = _five_free_ports()
    demo = await _started(tmp_path, port, demos)
    where = demo.where
    assert set(where) == KEYS
    assert set(where["other_shop"]) == {"shop_domain", "api_key"}
    assert where["api"] == f"http://127.0.0.1:{port}"

    async with httpx.AsyncClient(timeout=20) as http:
        variant = await _sold_out(demo, http)
        signup = await _signup(demo, http, variant)
        one = f"{where['api']}{SIGNUPS}/{signup}"

        async def status() -> str:
            return str((await http.get(one, headers=demo.key())).json()["status"])

        assert await status() == "pending"
        others = demo.key(where["other_shop"])
        assert (await http.get(one, headers=others)).status_code == 404
        listed = await http.get(f"{where['api']}{SIGNUPS}", headers=others)
        assert (listed.status_code, listed.json()["signups"]) == (200, [])

        mail = await _restocked(demo, http, variant)
        await _is_whole(mail, http, variant["product"])

        async def told() -> bool:
            return await status() == "notified"

        await until(told)
        link = re.search(r"<(https?://[^>]+)>", mail["headers"]["List-Unsubscribe"])
        assert link is not None
        answer = await http.post(link[1], data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, await status()) == (200, "unsubscribed")

    demo.stop()

    again = await _started(tmp_path, port, demos)
    assert again.where == where
    async with httpx.AsyncClient() as http:
        kept = (await http.get(f"{where['api']}{SIGNUPS}", headers=again.key())).json()
    assert [(each["id"], each["status"]) for each in kept["signups"]] == [(signup, "unsubscribed")]
    again.stop()


async def test_the_demo_starts_what_was_killed_again(
    tmp_path: Path, demos: list[subprocess.Popen[bytes]]
):
    demo = await _started(tmp_path, _five_free_ports(), demos)
    victims = demo.children("serve", "worker")
    assert len(victims) == 2
    for victim in victims:
        victim.kill()
    async with httpx.AsyncClient(timeout=20) as http:

        async def ready() -> bool:
            with suppress(httpx.TransportError):
                return (await http.get(f"{demo.where['api']}/readyz")).is_success
            return False

        await until(ready)
        variant = await _sold_out(demo, http)
        await _signup(demo, http, variant)
        await _restocked(demo, http, variant)
    demo.stop()


async def test_the_demo_revives_its_database(tmp_path: Path, demos: list[subprocess.Popen[bytes]]):
    demo = await _started(tmp_path, _five_free_ports(), demos)
    (postmaster,) = [
        process
        for process in demo.family()
        if process.name() == "postgres" and process.ppid() == demo.process.pid
    ]
    postmaster.kill()
    async with httpx.AsyncClient(timeout=20) as http:

        async def revived() -> bool:
            with suppress(httpx.TransportError):
                ready = await http.get(f"{demo.where['api']}/readyz")
                return ready.is_success and not postmaster.is_running()
            return False

        await until(revived)
        variant = await _sold_out(demo, http)
        await _signup(demo, http, variant)
        await _restocked(demo, http, variant)
    demo.stop()


def test_a_demo_that_is_still_starting_stops_when_told(tmp_path: Path):
    port = str(_five_free_ports())
    command = ["-m", "openstoq", "demo", "--json", "--data-dir", str(tmp_path), "--port", port]
    process = start(command, {})
    lock = tmp_path / "postgres" / "lock"
    deadline = time.monotonic() + 30
    while not lock.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, b"")
    assert embedded.is_running(tmp_path / "postgres") is False


async def _timeline(demo: Demo) -> str:
    """Return what a demo prints until its stories are over."""
    said = b""
    while b"All as it should be." not in said:
        line = await first_line(demo.process, within=60)
        assert line, said.decode()
        said += line
    return said.decode()


async def _refunded_unheard(story: Preorders, order: Preorder) -> None:
    """Have the merchant pay a cent back, of which no webhook tells."""
    await story.control("POST", "faults", on="webhooks", fault="drop", count=50)
    await story.control("POST", f"orders/{order.id}/refund", amount="0.01")


async def test_the_stories_are_played_and_what_differs_is_noticed(
    tmp_path: Path, demos: list[subprocess.Popen[bytes]]
):
    stories = ("--script", "preorder", "--script", "back-in-stock", "--stay")
    with (tmp_path / "log").open("wb") as log:
        demo = await _started(tmp_path / "data", _five_free_ports(), demos, *stories, log=log)
        said = await _timeline(demo)
    assert "ledger and Shopify agree to the cent: 1319.88 came, 219.98 went back" in said
    assert "unsubscribes with one click" in said
    assert b"job.failed" not in (tmp_path / "log").read_bytes()

    where = demo.where
    stage = Stage(**{**where, "other_shop": Place(**where["other_shop"])})
    async with httpx.AsyncClient(timeout=20) as http:
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
    process = start([*command, "--port", str(_five_free_ports())], {"OPENSTOQ_LIMITS_POINTS": "5"})
    said, _ = process.communicate(timeout=120)
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
