"""`openstoq migrate`: the database's schema."""

import typer

from openstoq.bootstrap.settings import owner_url, read_settings
from openstoq.db.migrate import migrate_now

app = typer.Typer(add_completion=False)


@app.command()
def migrate() -> None:
    """Bring the database up to date."""
    applied = migrate_now(owner_url(read_settings()))
    typer.echo("\n".join(f"applied {revision}" for revision in applied) or "already up to date")
