"""`openstoq export …`: export the waitlist."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from openstoq.back_in_stock.signup_files.exports import pages
from openstoq.back_in_stock.signups.model import Status
from openstoq.commands.shop_runtime import find_shop, with_runtime
from openstoq.jobs.work import Runtime

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Export what a shop has.")


@app.callback()
def main() -> None:
    """Export what a shop has."""


@app.command()
def signups(
    shop: Annotated[str, typer.Option(help="The shop's .myshopify.com domain.")],
    file: Annotated[
        Path | None, typer.Argument(dir_okay=False, writable=True, help="Standard output if unset.")
    ] = None,
    status: Annotated[
        Status | None, typer.Option(help="Only sign-ups with this status; all without it.")
    ] = None,
) -> None:
    """Export sign-ups as a CSV file with the columns that `openstoq import signups` reads."""
    with_runtime(partial(_export, domain=shop, status=status, file=file))


async def _export(
    runtime: Runtime, *, domain: str, status: Status | None, file: Path | None
) -> None:
    found = await find_shop(runtime, domain)
    with nullcontext(sys.stdout.buffer) if file is None else _replaced(file) as target:
        transactions = partial(runtime.database.transaction, found.id)
        async for part in pages(transactions, found.id, status=status):
            target.write(part)


@contextmanager
def _replaced(file: Path) -> Iterator[BinaryIO]:
    """Open a new file, which replaces `file` only once the block has ended without raising."""
    written = file.with_name(f".{file.name}.part")
    try:
        with written.open("wb") as target:
            yield target
        written.replace(file)
    finally:
        written.unlink(missing_ok=True)
