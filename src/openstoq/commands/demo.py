"""`openstoq demo`: everything on one machine, with a sandbox shop to play with."""

import asyncio
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import httpx
import orjson
import typer

from openstoq.bootstrap.runtime import runtime
from openstoq.bootstrap.settings import read_settings
from openstoq.commands.background import start as start_in_background
from openstoq.commands.database import embedded_server
from openstoq.commands.processes import Child, Children, wait_for_stop
from openstoq.commands.scripts import SCRIPTS, play
from openstoq.commands.scripts.stage import Demo, Place
from openstoq.config import variable
from openstoq.db.migrate import migrate
from openstoq.jobs.work import Runtime
from openstoq.shops import installation

FIRST_PORT = 8400
SHOPS = ("snowdevil.myshopify.com", "northwind.myshopify.com")
READY_SECONDS = 60.0
# A separate distribution, which an operator does not need to install.
SANDBOX = "shopify_sandbox"


app = typer.Typer(add_completion=False)


@app.command()
def demo(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object when ready.")] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where to keep the database; a new one each time if unset.")
    ] = None,
    port: Annotated[int, typer.Option(help="The first of five ports in a row.")] = FIRST_PORT,
    script: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Play a story and stop: {', '.join(SCRIPTS)}. Several are played in this order."
        ),
    ] = None,
    stay: Annotated[
        bool, typer.Option("--stay", help="Stay up after the stories, to look around.")
    ] = False,
    background: Annotated[
        bool,
        typer.Option(
            "--background",
            help="Return when ready, and print shell variables: their DEMO is the process to kill.",
        ),
    ] = False,
) -> None:
    """Start PostgreSQL, a sandbox shop, the API and a worker, and keep them running to explore."""
    if background:
        if json or script or stay:
            raise typer.BadParameter("--background goes with --data-dir and --port only")
        kept = ["--data-dir", str(data_dir)] if data_dir is not None else []
        sys.stdout.write(start_in_background(["--port", str(port), *kept]))
        return
    scripts = list(dict.fromkeys(script or []))
    for name in scripts:
        if name not in SCRIPTS:
            raise typer.BadParameter(f"there is no script {name}; there is {', '.join(SCRIPTS)}")
    if scripts and data_dir is not None and data_dir.exists() and any(data_dir.iterdir()):
        raise typer.BadParameter(
            f"a story begins with an empty shop, and {data_dir} has one; name another --data-dir, "
            "or none"
        )
    if find_spec(SANDBOX) is None:
        sys.exit(
            "openstoq: the demo needs the sandbox shop: install it with "
            "pip install 'openstoq[demo]', or in a checkout with make setup"
        )
    _check_free(port)
    with _folder(data_dir) as folder:
        playing = _demo(Path(folder), port, scripts=scripts, stay=stay, as_json=json)
        code = asyncio.run(wait_for_stop(playing))
    # A story that a signal cut short is a failure, but a signal is the normal end of exploring.
    sys.exit(code if code is not None else int(bool(scripts) and not stay))


def _check_free(first: int) -> None:
    """Exit with a message if another program, such as another demo, uses one of the ports.

    The database's port is left out, because starting the database checks it.
    """
    for port in range(first, first + 4):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                sys.exit(
                    f"openstoq: port {port} of 127.0.0.1 is taken, perhaps by another demo: stop "
                    "it, or choose another --port, from which on five are used"
                )


def _folder(data_dir: Path | None) -> Any:
    if data_dir is None:
        return tempfile.TemporaryDirectory(prefix="openstoq-demo-", ignore_cleanup_errors=True)
    data_dir.mkdir(parents=True, exist_ok=True)
    return _Kept(data_dir)


class _Kept:
    """A folder that is kept on exit, in contrast to a temporary one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> str:
        return str(self.folder)

    def __exit__(self, *_: object) -> None:
        """Leave the folder as it is."""


async def _demo(folder: Path, port: int, *, scripts: list[str], stay: bool, as_json: bool) -> int:
    async with _running(folder, port) as demo:
        if as_json:
            sys.stdout.write(orjson.dumps(asdict(demo)).decode() + "\n")
            sys.stdout.flush()
        code = await play(scripts, demo) if scripts else 0
        if code != 0 or (scripts and not stay):
            return code
        if not as_json:
            sys.stdout.write(_welcome(demo))
            sys.stdout.flush()
        await asyncio.Event().wait()
    return 0


@asynccontextmanager
async def _running(folder: Path, port: int) -> AsyncIterator[Demo]:
    """Start all processes, connect the shops, and yield the demo once the shops' data is pulled."""
    api, sandbox, mail, smtp, database = range(port, port + 5)
    children = Children()
    async with embedded_server(folder / "postgres", port=database) as server:
        try:
            environment = _environment(folder, server.url, api=api, smtp=smtp)
            os.environ.update(environment)
            settings = read_settings()
            await migrate(server.url)
            secret = settings.shopify.client_secret.get_secret_value()
            token = f"shpat_{secret[:24]}"
            shops = Child(
                "sandbox",
                _sandbox_arguments(sandbox, mail, smtp, api=api),
                {
                    "SANDBOX_CLIENT_SECRET": secret,
                    "SANDBOX_ACCESS_TOKEN": token,
                    "SANDBOX_CONTROL_TOKEN": token,
                },
                module=SANDBOX,
                wants_output=True,
            )
            await children.start(shops)
            await shops.first_line()
            await children.start(Child("api", ("serve",), environment))
            await children.start(Child("worker", ("worker",), environment))
            async with runtime(settings) as opened:
                keys = [
                    await _connected(opened, domain, f"http://127.0.0.1:{sandbox}", token, folder)
                    for domain in SHOPS
                ]
                await _ready(opened, settings.http.public_url)
            yield Demo(
                api=settings.http.public_url,
                sandbox=f"http://127.0.0.1:{sandbox}",
                mail=f"http://127.0.0.1:{mail}",
                shop_domain=SHOPS[0],
                api_key=keys[0],
                webhook_secret=secret,
                admin_token=token,
                other_shop=Place(SHOPS[1], keys[1]),
            )
        finally:
            await children.stop()


def _environment(folder: Path, database_url: str, *, api: int, smtp: int) -> dict[str, str]:
    """Return the demo's settings; variables that are already set override most of them."""
    kept = folder / "demo.secrets"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(f"{secrets.token_urlsafe(32)} {secrets.token_hex(24)}")
    security_key, client_secret = kept.read_text().split()
    chosen = {
        variable("database", "url"): database_url,
        variable("security", "key"): security_key,
        variable("shopify", "client_secret"): client_secret,
        variable("http", "port"): str(api),
        variable("http", "public_url"): f"http://127.0.0.1:{api}",
        variable("mail", "port"): str(smtp),
        variable("mail", "sender"): "alerts@openstoq.example",
        variable("log", "level"): "warning",
    }
    ours = {variable("database", "url"), variable("http", "port"), variable("http", "public_url")}
    return {
        name: value if name in ours else os.environ.get(name, value)
        for name, value in chosen.items()
    }


def _sandbox_arguments(sandbox: int, mail: int, smtp: int, *, api: int) -> tuple[str, ...]:
    address = f"http://127.0.0.1:{api}"
    return (
        *("--port", str(sandbox), "--mail-http-port", str(mail), "--smtp-port", str(smtp)),
        *("--signup-api", address, "--compliance-url", f"{address}/webhooks/shopify"),
        "--allow-http",
    )


async def _connected(opened: Runtime, domain: str, sandbox: str, token: str, folder: Path) -> str:
    """Connect a sandbox shop and return its API key, which stays the same across starts."""
    key = await installation.install(
        opened,
        domain=domain,
        access_token=token,
        client_secret=None,
        api_url=f"{sandbox}/shops/{domain}",
    )
    kept = folder / f"{domain}.key"
    if kept.exists():
        return kept.read_text()
    kept.touch(mode=0o600)
    kept.write_text(key)
    return key


async def _ready(opened: Runtime, api: str) -> None:
    """Wait until the API is ready and the worker has finished all queued jobs.

    By then the worker has pulled the shops' data and subscribed to their webhooks.
    """
    async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient() as http:
        while True:
            with suppress(httpx.TransportError):
                answer = await http.get(f"{api}/readyz")
                left = await opened.database.call(
                    "SELECT count(*) AS jobs FROM queue.pgqueuer WHERE status <> 'failed'"
                )
                if answer.is_success and left is not None and left["jobs"] == 0:
                    return
            await asyncio.sleep(0.05)


def _welcome(demo: Demo) -> str:
    shop = f"{demo.sandbox}/shops/{demo.shop_domain}"
    return f"""
openstoq is up. Ctrl-C stops it. To look around:

  {shop}/ is the shop
  {demo.mail}/ shows the mails that were caught
  {demo.api}/api/v2/external/help lists the actions, with the header X-Auth-Token: $KEY
  {shop}/control/products is for the merchant, with the header X-Sandbox-Token: $TOKEN

Paste this into another terminal, and go on with docs/quickstart.md:

{demo.shell}"""
