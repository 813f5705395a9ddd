"""`openstoq demo --json`: one process to start, everything behind it real, nothing left behind."""

import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from typer.testing import CliRunner

from openstoq.__main__ import app
from openstoq.db import embedded
from tests.e2e.demos import Demo, demos, five_free_ports, started
from tests.e2e.plant import start
from tests.factories.clients import patient_client
from tests.factories.patience import PATIENCE, until, wait_until

__all__ = ["demos"]


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
    port = five_free_ports()
    demo = await started(tmp_path, port, demos)
    where = demo.where
    assert set(where) == KEYS
    assert set(where["other_shop"]) == {"shop_domain", "api_key"}
    assert where["api"] == f"http://127.0.0.1:{port}"
    # Everybody on the machine can read these.
    commands = " ".join(word for one in demo.family() for word in one.cmdline())
    assert "shopify_sandbox" in commands
    kept = [where["webhook_secret"], where["admin_token"], where["api_key"]]
    assert [secret for secret in kept if secret in commands] == []

    async with patient_client() as http:
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

    again = await started(tmp_path, port, demos)
    assert again.where == where
    async with patient_client() as http:
        kept = (await http.get(f"{where['api']}{SIGNUPS}", headers=again.key())).json()
    assert [(each["id"], each["status"]) for each in kept["signups"]] == [(signup, "unsubscribed")]
    again.stop()


async def test_the_demo_starts_what_was_killed_again(
    tmp_path: Path, demos: list[subprocess.Popen[bytes]]
):
    demo = await started(tmp_path, five_free_ports(), demos)
    victims = demo.children("serve", "worker")
    assert len(victims) == 2
    for victim in victims:
        victim.kill()
    async with patient_client() as http:

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
    demo = await started(tmp_path, five_free_ports(), demos)
    (postmaster,) = [
        process
        for process, name, _ in demo.running()
        if name == "postgres" and process.ppid() == demo.process.pid
    ]
    postmaster.kill()
    async with patient_client() as http:

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
    port = str(five_free_ports())
    command = ["-m", "openstoq", "demo", "--json", "--data-dir", str(tmp_path), "--port", port]
    process = start(command, {})
    lock = tmp_path / "postgres" / "lock"
    wait_until(lock.exists)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said) == (0, b"")
    assert embedded.is_running(tmp_path / "postgres") is False


def test_a_port_that_is_taken_is_named_before_anything_starts(tmp_path: Path):
    first = five_free_ports()
    with socket.create_server(("127.0.0.1", first + 2)):
        options = ["demo", "--port", str(first), "--data-dir", str(tmp_path / "data")]
        refused = CliRunner().invoke(app, options)
    assert f"port {first + 2} of 127.0.0.1 is taken" in str(refused.exception)
    assert not (tmp_path / "data").exists()


def test_a_demo_in_the_background_says_why_it_does_not_start(tmp_path: Path):
    first = five_free_ports()
    command = ["-m", "openstoq", "demo", "--background", "--port", str(first)]
    command += ["--data-dir", str(tmp_path / "data")]
    with socket.create_server(("127.0.0.1", first)):
        refused = subprocess.run(
            [sys.executable, *command],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"port {first} of 127.0.0.1 is taken" in refused.stderr


def test_a_demo_in_the_background_leaves_its_reader_alone(tmp_path: Path):
    command = ["-m", "openstoq", "demo", "--background", "--port", str(five_free_ports())]
    command += ["--data-dir", str(tmp_path / "data")]
    # This returns only when nobody has our pipes any more.
    begun = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    told = dict(line.split("=", 1) for line in begun.stdout.splitlines())
    demo = psutil.Process(int(told["DEMO"]))
    try:
        assert (begun.stderr, Path(told["LOG"]).read_text()) == ("", "")
        assert httpx.get(f"{told['API']}/readyz", timeout=PATIENCE).is_success
        signups = httpx.get(
            f"{told['API']}{SIGNUPS}", headers={"X-Auth-Token": told["KEY"]}, timeout=PATIENCE
        )
        assert signups.status_code == 200
    finally:
        demo.terminate()
        demo.wait(PATIENCE)
        Path(told["LOG"]).unlink()


@pytest.mark.parametrize("option", [["--json"], ["--script", "preorder"], ["--stay"]])
def test_a_demo_in_the_background_plays_nothing(option: list[str]):
    refused = CliRunner().invoke(app, ["demo", "--background", *option], env={"COLUMNS": "200"})
    assert refused.exit_code == 2
    assert "--background goes with --data-dir and --port only" in refused.output


def test_a_demo_without_the_sandbox_shop_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "shopify_sandbox", None)
    refused = CliRunner().invoke(app, ["demo", "--data-dir", str(tmp_path / "data")])
    assert refused.exit_code == 1
    assert "pip install 'openstoq[demo]'" in str(refused.exception)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("option", ["--access-token", "--client-secret"])
def test_a_secret_on_the_command_line_is_refused(option: str):
    environment = {"SHOPIFY_ACCESS_TOKEN": "shpat_from_the_environment", "COLUMNS": "200"}
    refused = CliRunner().invoke(
        app, ["shop", "add", "a.myshopify.com", option, "a-secret"], env=environment
    )
    assert refused.exit_code == 2
    assert "SHOPIFY_" in refused.output
    assert "a-secret" not in refused.output
