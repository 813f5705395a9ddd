"""Files of signups, and imports of them into a shop."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO

from openstoq.back_in_stock.signup_files.imports import Import
from openstoq.back_in_stock.signup_files.model import Outcome
from openstoq.back_in_stock.signup_files.reader import CsvFile
from openstoq.db.pool import Database
from openstoq.shops.model import Shop
from tests.factories.catalogs import VARIANT

OTHER, LONELY, OTHER_PRODUCT = VARIANT + 1, 21, 20
NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)


def file_of(*lines: str, ending: str = "\n") -> bytes:
    """A file in UTF-8 with these lines."""
    return "".join(line + ending for line in lines).encode()


async def import_file(
    database: Database,
    shop: Shop,
    content: bytes | BinaryIO,
    *,
    encoding: str | None = None,
    **options: Any,
) -> Outcome:
    source = BytesIO(content) if isinstance(content, bytes) else content
    fields: dict[str, Any] = {
        "transactions": partial(database.transaction, shop.id),
        "shop": shop,
        "now": NOW,
        "attempts": 3,
    }
    return await Import(**(fields | options)).run(CsvFile(source, encoding=encoding))


async def import_lines(database: Database, shop: Shop, *lines: str, **options: Any) -> Outcome:
    return await import_file(database, shop, file_of(*lines), **options)


def problems_of(outcome: Outcome) -> Sequence[tuple[int, str]]:
    return [(one.line, one.error) for one in outcome.problems.named]
