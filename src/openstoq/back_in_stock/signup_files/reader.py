"""Read a CSV file row by row with bounded memory, whatever is in the file."""

import csv
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from openstoq.back_in_stock.signup_files.columns import Columns, field_of, recognise
from openstoq.back_in_stock.signup_files.model import FileFault, Problems

LONGEST_LINE = 100_000
# A row may have line breaks within quotes, so it is bounded on its own.
LONGEST_ROW = 500_000
DELIMITERS = (",", ";", "\t", "|")
_HEAD = 4096
_SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_OTHER_FORMATS = {
    b"PK\x03\x04": "an Excel workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "compressed by gzip",
    b"%PDF": "a PDF",
}
_SAVE_AS = "save it as CSV UTF-8, and import that"


class CsvFile:
    """A CSV file of signups, whose line with the columns' names was read.

    `encoding` is the file's encoding; without it, the file must be UTF-8, or UTF-16 with a byte
    order mark. Raises FileFault if the file cannot be read as CSV, or lacks a needed column.
    """

    def __init__(self, source: BinaryIO, *, encoding: str | None = None) -> None:
        self._source = io.BufferedReader(_Unclosed(source), 65_536)
        self._encoding = encoding or _encoding_of(self._source.peek(_HEAD)[:_HEAD])
        self._text = io.TextIOWrapper(self._source, self._encoding, newline="")
        self._line = 0
        self._size = 0
        self._is_ended = True
        self.row_count = 0
        self.columns, self._delimiter = self._header()

    @property
    def is_cut(self) -> bool:
        """Return whether the last line that was read has no line break at its end."""
        return not self._is_ended

    @property
    def line(self) -> int:
        """The number of the line that was read last."""
        return self._line

    def rows(self, problems: Problems) -> Iterator[tuple[int, list[str]]]:
        """Yield the line number and the cells of each row that has as many cells as the header.

        Rows with more or fewer cells are recorded in `problems`. Empty lines are skipped.
        """
        reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        while True:
            line, self._size = self._line + 1, 0
            try:
                row = next(reader, None)
            except csv.Error:
                self.row_count += 1
                problems.add(
                    line,
                    "a quotation mark is in the wrong place, or never closed; inside of a cell, "
                    'write it twice ("")',
                )
                continue
            if row is None:
                return
            if not any(cell.strip() for cell in row):
                continue
            self.row_count += 1
            if len(row) == self.columns.width:
                yield line, row
            else:
                problems.add(line, self._wrong_width(len(row)))

    def _wrong_width(self, width: int) -> str:
        expected = self.columns.width
        if width < expected:
            return f"it has {width} of {expected} cells; is the file cut off here?"
        return (
            f"it has {width} cells, and the first line {expected}; put cells with commas in quotes"
        )

    def _header(self) -> tuple[Columns, str]:
        given = None
        for text in self._lines():
            separator = _SEPARATOR_LINE.fullmatch(text.strip())
            if separator is not None:
                given = separator[1]
            elif text.strip(" \t\r\n,;|"):
                return self._recognise(text, (given,) if given else DELIMITERS)
        raise FileFault(f"the file is empty; its first line must name the columns, then {_SAVE_AS}")

    def _recognise(self, text: str, delimiters: tuple[str, ...]) -> tuple[Columns, str]:
        split = {one: _cells(text, one) for one in delimiters}
        best = max(
            split, key=lambda one: (sum(map(bool, map(field_of, split[one]))), len(split[one]))
        )
        return recognise(split[best]), best

    def _lines(self) -> Iterator[str]:
        while True:
            try:
                text = self._text.readline(LONGEST_LINE + 1)
            except UnicodeError as error:
                raise FileFault(self._undecodable(error)) from error
            if not text:
                return
            self._line += 1
            self._size += len(text)
            self._is_ended = text.endswith(("\n", "\r"))
            if len(text) > LONGEST_LINE and not self._is_ended:
                raise FileFault(
                    f"line {self._line} has more than {LONGEST_LINE} characters; is this a CSV "
                    "file with a line for each signup?"
                )
            if self._size > LONGEST_ROW:
                raise FileFault(
                    f"the row that ends after line {self._line} has more than {LONGEST_ROW} "
                    "characters; a quotation mark before it is probably never closed"
                )
            yield text

    def _undecodable(self, error: UnicodeError) -> str:
        line = self._line + 1
        if isinstance(error, UnicodeDecodeError):
            line += bytes(error.object[: error.start]).count(b"\n")
        named = "UTF-8" if self._encoding.startswith("utf-8") else self._encoding
        return (
            f"line {line} is not {named}, or the file is cut off there; {_SAVE_AS}, or name the "
            "encoding that it has, such as windows-1252"
        )


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return []


def _encoding_of(head: bytes) -> str:
    if not head:
        raise FileFault("the file is empty; its first line must name the columns")
    for magic, name in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise FileFault(f"the file is {name}, and not CSV; {_SAVE_AS}")
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    # Without a mark, UTF-16 shows by the empty byte of each Latin letter.
    if head[1::2].count(0) > len(head) // 4:
        return "utf-16-le"
    if head[::2].count(0) > len(head) // 4:
        return "utf-16-be"
    return "utf-8"


class _Unclosed(io.RawIOBase):
    """A wrapper for reading a stream, which stays open when the wrapper is closed."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the buffer of a BufferedReader
        part = self._source.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)
