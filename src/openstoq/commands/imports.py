"""`openstoq import …`: import the waitlist of another app."""

import codecs
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO, Self

import typer

from openstoq.back_in_stock.signup_files.imports import Import, Phase
from openstoq.back_in_stock.signup_files.model import FileFault, Outcome
from openstoq.back_in_stock.signup_files.reader import CsvFile
from openstoq.commands.shop_runtime import find_shop, with_runtime
from openstoq.errors import OperatorError
from openstoq.jobs.work import Runtime

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Import what another app has collected."
)

ATTEMPTS = 3


@app.callback()
def main() -> None:
    """Import what another app has collected."""


def _known_encoding(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        found = codecs.lookup(name).name
        # This raises LookupError for a codec such as base64, which does not decode to text.
        b" ".decode(found, "replace")
    except (LookupError, ValueError):
        raise typer.BadParameter(f"{name!r} is no text encoding; try windows-1252") from None
    return found


@app.command()
def signups(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="The CSV file."),
    ],
    shop: Annotated[str, typer.Option(help="The shop's .myshopify.com domain.")],
    encoding: Annotated[
        str | None,
        typer.Option(
            callback=_known_encoding, help="The file's encoding, if it is neither UTF-8 nor UTF-16."
        ),
    ] = None,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Import the other lines if some are wrong.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what would be imported.")
    ] = False,
) -> None:
    """Import sign-ups from a CSV file; nothing is sent, and a file may be imported again.

    The file is checked whole before anything is written. docs/moving.md lists the columns.
    """
    with file.open("rb") as source, _Bars(source, file.stat().st_size) as bars:
        run = partial(
            _import,
            domain=shop,
            source=source,
            encoding=encoding,
            skip_invalid=skip_invalid,
            is_trial=check,
            progress=bars.show,
        )
        outcome = with_runtime(run)
    if outcome.problems.count and not skip_invalid:
        raise OperatorError(
            f"nothing was imported, because {outcome.problems.count} lines cannot be; correct them, "
            "or leave them out with --skip-invalid:",
            *outcome.problems.sentences,
        )
    for sentence in outcome.problems.sentences:
        typer.echo(sentence, err=True)
    verb = "would be" if check else "were"
    typer.echo(f"{outcome.imported} of {outcome.rows} sign-ups {verb} imported")
    for sentence in outcome.view.remarks:
        typer.echo(sentence)


async def _import(
    runtime: Runtime,
    *,
    domain: str,
    source: BinaryIO,
    encoding: str | None,
    skip_invalid: bool,
    is_trial: bool,
    progress: Callable[[Phase, int], None],
) -> Outcome:
    found = await find_shop(runtime, domain)
    seconds = runtime.settings.database.job_seconds
    try:
        return await Import(
            transactions=partial(runtime.database.transaction, found.id, seconds=seconds),
            shop=found,
            now=runtime.clock(),
            skip_invalid=skip_invalid,
            is_trial=is_trial,
            attempts=ATTEMPTS,
            progress=progress,
        ).run(CsvFile(source, encoding=encoding))
    except FileFault as fault:
        raise OperatorError(f"nothing was imported: {fault}") from fault


class _Bars:
    """The progress bars on a terminal: one for the bytes that were read, one for rows written."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source, self._size = source, size
        self._stack = ExitStack()
        self._checked = 0
        self._bars: dict[Phase, Callable[[int], None]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def show(self, phase: Phase, rows: int) -> None:
        """Move the bar of a phase."""
        if phase == "checked":
            self._checked += rows
            moved = self._source.tell()
            self._bar(phase, "Checking", self._size)(moved)
        else:
            self._bar(phase, "Importing", self._checked)(rows)

    def _bar(self, phase: Phase, label: str, length: int) -> Callable[[int], None]:
        if phase not in self._bars:
            self._stack.close()
            bar = self._stack.enter_context(
                typer.progressbar(length=length, label=label, file=typer.get_text_stream("stderr"))
            )
            is_place = phase == "checked"
            self._bars[phase] = lambda value: bar.update(value - bar.pos if is_place else value)
        return self._bars[phase]
