"""The command line; `app` contains all commands."""

from typing import Annotated

import typer

from openstoq import __version__
from openstoq.commands.demo import demo
from openstoq.commands.docs import docs
from openstoq.commands.servers import migrate, serve, up, worker
from openstoq.commands.shop import app as shop

app = typer.Typer(
    name="openstoq",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"openstoq {__version__}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Self-hosted preorders and back-in-stock alerts for Shopify shops."""


for command in (serve, worker, up, migrate, demo, docs):
    app.command()(command)
app.add_typer(shop, name="shop")
