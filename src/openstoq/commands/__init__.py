"""The command line; `app` contains all commands."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from openstoq import __version__
from openstoq.commands.deferred import Deferred

COMMANDS = (
    Deferred("serve", "Serve the API, in OPENSTOQ_HTTP_WORKERS processes that share the port."),
    Deferred("worker", "Run background jobs: webhooks, restocks, mails, reconciliation."),
    Deferred(
        "up",
        "Run the API and a worker on this machine, with embedded PostgreSQL if no other is set.",
    ),
    Deferred("migrate", "Bring the database up to date."),
    Deferred(
        "demo",
        "Start PostgreSQL, a sandbox shop, the API and a worker, and keep them running to explore.",
    ),
    Deferred(
        "docs", "Write docs/configuration.md, docs/actions.md and deploy/citus.sql from the code."
    ),
    Deferred("shop", "Connect shops and make their API keys."),
    Deferred("import", "Import what another app has collected.", module="imports"),
    Deferred("export", "Export what a shop has.", module="exports"),
)


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for command in COMMANDS:
            self.add_command(command)


app = typer.Typer(
    name="openstoq",
    cls=Commands,
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
