"""Cursor pagination: opaque cursors that stay valid while records are added and deleted."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shopify_sandbox.admin.errors import bad_request

LARGEST_PAGE = 250

SortValue = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Edge:
    """A record in a page, with the cursor that points just behind it."""

    cursor: str
    node: Any


@dataclass(frozen=True, slots=True)
class PageInfo:
    """The first and last cursor of a page, and whether other pages follow or precede it."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Connection:
    """One page of a list."""

    edges: list[Edge]
    page_info: PageInfo

    @property
    def nodes(self) -> list[Any]:
        """Return the records without their cursors."""
        return [edge.node for edge in self.edges]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _number(record: Any) -> int:
    """Return the number in a record's id.

    A resolver may already have converted the record to a dict. The dict has this number under the
    key `number`.
    """
    return int(record["number"] if isinstance(record, dict) else record.id)


def _key(record: Any, sort_value: SortValue) -> tuple[Any, int]:
    return (_plain(sort_value(record)), _number(record))


def _write_cursor(key: tuple[Any, int]) -> str:
    text = json.dumps({"last_id": key[1], "last_value": key[0]}, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode()


def _read_cursor(cursor: str, like: Any) -> tuple[Any, int]:
    try:
        read = json.loads(base64.b64decode(cursor, validate=True))
        value, number = read["last_value"], read["last_id"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise bad_request("Invalid cursor for current pagination sort.") from None
    if not isinstance(number, int) or not isinstance(value, type(like)):
        raise bad_request("Invalid cursor for current pagination sort.")
    return (value, number)


def _page_size(first: int | None, last: int | None) -> int:
    if first is not None and last is not None:
        raise bad_request("providing both first and last is not supported")
    size = first if first is not None else last
    if size is None:
        raise bad_request("you must provide one of first or last")
    if not 0 <= size <= LARGEST_PAGE:
        raise bad_request(f"first and last must be between 0 and {LARGEST_PAGE}, got {size}")
    return size


def connection(
    records: Iterable[Any],
    *,
    sort_value: SortValue = _number,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
    reverse: bool = False,
) -> Connection:
    """Return the requested page of `records`, sorted by `sort_value`, then by id.

    Exactly one of `first` and `last` must be given, and it may be at most LARGEST_PAGE. Raises
    GraphQLError otherwise, and if a cursor is invalid for this sort order.
    """
    size = _page_size(first, last)
    keyed = sorted(
        ((_key(record, sort_value), record) for record in records),
        key=lambda each: each[0],
        reverse=reverse,
    )
    total = len(keyed)
    start, stop = 0, total
    if keyed:
        sample = keyed[0][0][0]
        if after is not None:
            edge = _read_cursor(after, sample)
            start = sum(1 for key, _ in keyed if (key >= edge if reverse else key <= edge))
        if before is not None:
            edge = _read_cursor(before, sample)
            stop = sum(1 for key, _ in keyed if (key > edge if reverse else key < edge))
    if first is not None:
        stop = max(start, min(stop, start + size))
    else:
        start = min(stop, max(start, stop - size))
    edges = [Edge(_write_cursor(key), record) for key, record in keyed[start:stop]]
    return Connection(
        edges,
        PageInfo(
            has_next_page=stop < total,
            has_previous_page=start > 0,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )
