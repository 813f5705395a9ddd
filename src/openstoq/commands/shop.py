"""`openstoq shop …`: connect shops, manage their API keys, and unblock sign-ups."""

import sys
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer

from openstoq.back_in_stock.signups import blocks
from openstoq.commands.shop_runtime import find_shop, with_runtime
from openstoq.jobs.work import Runtime
from openstoq.kernel.days import start_of
from openstoq.kernel.ids import new_id
from openstoq.shops import installation, store

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Connect shops and make their API keys."
)


def _off_the_command_line(
    context: typer.Context, option: typer.CallbackParam, value: str | None
) -> str | None:
    """Return a secret from the environment or, if it is given as "-", from the terminal or a pipe.

    Raises BadParameter if the secret itself is on the command line, which other users can read.
    """
    source = context.get_parameter_source(str(option.name))
    if value == "-":
        if sys.stdin.isatty():
            return str(typer.prompt(option.name, hide_input=True))
        return sys.stdin.readline().strip()
    if source is not None and source.name == "COMMANDLINE":
        raise typer.BadParameter(
            "everybody on this machine can read command lines, so no secret may stand in one: "
            f"set {option.envvar}, or pass - and type it or pipe it in"
        )
    return value


Domain = Annotated[str, typer.Argument(help="The shop's .myshopify.com domain.")]


@app.command()
def add(
    domain: Domain,
    access_token: Annotated[
        str,
        typer.Option(
            envvar="SHOPIFY_ACCESS_TOKEN",
            callback=_off_the_command_line,
            metavar="-",
            help="The app's Admin API token there.",
        ),
    ],
    client_secret: Annotated[
        str | None,
        typer.Option(
            envvar="SHOPIFY_CLIENT_SECRET",
            callback=_off_the_command_line,
            metavar="-",
            help="The secret of the shop's own app, if it has one.",
        ),
    ] = None,
    api_url: Annotated[
        str | None, typer.Option(help="Where its Admin API answers, for a sandbox shop.")
    ] = None,
) -> None:
    """Connect a shop: subscribe to webhooks, pull the catalogue, and print a first API key."""

    async def run(runtime: Runtime) -> str:
        return await installation.install(
            runtime,
            domain=domain,
            access_token=access_token,
            client_secret=client_secret,
            api_url=api_url,
        )

    key = with_runtime(run)
    typer.echo(f"{domain} is connected. Its API key, shown this once:\n{key}")


@app.command()
def key(
    domain: Domain,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "key",
    days: Annotated[int | None, typer.Option(help="Until it expires; never when unset.")] = None,
) -> None:
    """Create another API key and print it; it cannot be shown again."""

    async def run(runtime: Runtime) -> str:
        shop = await find_shop(runtime, domain)
        now = runtime.clock()
        expires_at = now + timedelta(days=days) if days is not None else None
        async with runtime.work(shop.id, request_id=f"cli-{new_id()}") as work:
            return await store.add_key(work.db, shop.id, name=name, now=now, expires_at=expires_at)

    typer.echo(with_runtime(run))


@app.command()
def keys(domain: Domain) -> None:
    """List the shop's API keys; the keys themselves are not stored."""

    async def run(runtime: Runtime) -> list[str]:
        shop = await find_shop(runtime, domain)
        async with runtime.work(shop.id, request_id=f"cli-{new_id()}") as work:
            found = await store.keys(work.db, shop.id)
        return [
            f"{one.id}  …{one.hint}  {one.name}  {one.status(runtime.clock())}" for one in found
        ]

    typer.echo("\n".join(with_runtime(run)) or "no keys yet")


@app.command()
def revoke(domain: Domain, key_id: Annotated[str, typer.Argument(help="From `keys`.")]) -> None:
    """Revoke an API key at once."""

    async def run(runtime: Runtime) -> bool:
        shop = await find_shop(runtime, domain)
        async with runtime.work(shop.id, request_id=f"cli-{new_id()}") as work:
            return await store.revoke_key(work.db, shop.id, UUID(key_id), runtime.clock())

    if not with_runtime(run):
        raise typer.BadParameter("no such live key; `openstoq shop keys` lists them")
    typer.echo("revoked")


@app.command()
def unblock(
    domain: Domain,
    reason: Annotated[
        str | None, typer.Option(help="Only those whose relay said this, such as 530.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(help="Only those blocked since this day in the shop's time zone."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every blocked sign-up.")] = False,
) -> None:
    """Set sign-ups that were blocked by a relay's fault back to pending."""
    if everything == (reason is not None or since is not None):
        raise typer.BadParameter("say which: --reason or --since (or both), or --all alone")

    async def run(runtime: Runtime) -> int:
        shop = await find_shop(runtime, domain)
        wanted = blocks.BlockFilter(reason=reason, since=start_of(since, shop.timezone))
        total, count = 0, blocks.MOST_AT_ONCE
        while count == blocks.MOST_AT_ONCE:
            async with runtime.work(shop.id, request_id=f"cli-{new_id()}") as work:
                count = await blocks.lift(work.db, shop.id, wanted, now=runtime.clock())
            total += count
        return total

    typer.echo(f"{with_runtime(run)} sign-ups are pending again")
