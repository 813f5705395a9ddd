"""The commands of the command line; `app` contains them all."""

import typer

from openstoq.commands.demo import demo
from openstoq.commands.docs import docs
from openstoq.commands.servers import migrate, serve, up, worker
from openstoq.commands.shop import app as shop

app = typer.Typer(
    name="openstoq",
    help="Self-hosted preorders and back-in-stock alerts for Shopify shops.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (serve, worker, up, migrate, demo, docs):
    app.command()(command)
app.add_typer(shop, name="shop")
