"""The commands, one module each; `app` is the whole command line."""

import typer

from openstoq.commands import demo, docs, servers, shop

app = typer.Typer(
    name="openstoq",
    help="Self-hosted preorders and back-in-stock alerts for Shopify shops.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(servers.serve)
app.command()(servers.worker)
app.command()(servers.up)
app.command()(servers.migrate)
app.command()(demo.demo)
app.command()(docs.docs)
app.add_typer(shop.app, name="shop")
