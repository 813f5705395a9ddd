"""The action that imports signups from a CSV file.

A file that is too long for a request is imported by a command instead.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Annotated

from pydantic import Field

from openstoq.actions.action import ActionSet
from openstoq.actions.context import Context
from openstoq.back_in_stock.signup_files.imports import Import
from openstoq.back_in_stock.signup_files.model import FileFault, ImportView
from openstoq.back_in_stock.signup_files.reader import CsvFile
from openstoq.db.pool import Connection
from openstoq.errors import Invalid
from openstoq.kernel.types import Clean

# A request's body may have a megabyte, and JSON writes a line break as two characters.
LONGEST = 900_000

signup_files = ActionSet("back_in_stock.signups", "/back_in_stock/signups")


@signup_files.post(
    "/import",
    name="import",
    status=200,
    aliases=("import the waitlist", "move from another app", "upload signups as csv"),
)
async def import_signups(
    context: Context,
    *,
    csv: Annotated[str, Field(min_length=1, max_length=LONGEST), Clean],
    skip_invalid: bool = False,
) -> ImportView:
    """Import back-in-stock signups from a CSV file, such as the export of another app.

    csv is the text of the file, whose first line names the columns: variant_id or sku, and contact
    (or email or phone); optionally channel, quantity, optin_confirmed, accepts_marketing, language,
    signed_up_at, name, status and others, as in the file that GET
    /back_in_stock/signups/export.csv returns. The whole file is checked before anything is written:
    a 422 names the lines with problems, unless skip_invalid is set, which leaves these lines out.
    Nothing is sent, nobody is subscribed to marketing, and signups that are here already are
    skipped, so a file may be imported again. A file of more than 900,000 characters has to be
    imported with `openstoq import signups`.
    """

    @asynccontextmanager
    async def transaction() -> AsyncIterator[Connection]:
        yield context.db

    try:
        outcome = await Import(
            transactions=transaction,
            shop=context.shop,
            now=context.runtime.clock(),
            skip_invalid=skip_invalid,
        ).run(CsvFile(BytesIO(csv.encode()), encoding="utf-8-sig"))
    except FileFault as fault:
        raise Invalid(f"csv: {fault}") from fault
    if outcome.problems.count and not skip_invalid:
        raise Invalid(*outcome.problems.sentences)
    return outcome.view


ACTIONS = tuple(signup_files)
