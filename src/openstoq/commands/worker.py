"""`openstoq worker`: background jobs."""

import typer
import uvloop

from openstoq.bootstrap.settings import read_settings
from openstoq.bootstrap.worker import work

app = typer.Typer(add_completion=False)


@app.command()
def worker() -> None:
    """Run background jobs: webhooks, restocks, mails, reconciliation."""
    uvloop.run(work(read_settings()))
