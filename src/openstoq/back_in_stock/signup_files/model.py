"""The rows of a file of signups, and the outcome of an import."""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from openstoq.back_in_stock.signups.model import Channel, Contact

# So many problems are named; of further ones only the number is known.
MOST_NAMED = 20


Skipped = Literal["known", "unsubscribed", "in_stock"]


class FileFault(Exception):  # noqa: N818 - it is told to whoever sent the file
    """A file that cannot be imported at all; the message is a sentence that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """The part of a row that is stored as the file states it.

    `optin_confirmed` is None if the file does not say whether the shopper has confirmed.
    """

    line: int
    quantity: int
    email: str | None
    phone: str | None
    name: str | None
    locale: str | None
    country: str | None
    optin_confirmed: bool | None
    accepts_marketing: bool | None
    signed_up_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow(_Row):
    """A row of a file that is valid in itself; the variant may still be unknown."""

    contact: Contact
    variant_id: int | None
    product_id: int | None
    sku: str | None
    market_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedRow(_Row):
    """A row of a file as it is stored (staged) until the whole file has been checked.

    The variant is known by then. `market_id` is 0 if the row is for no particular market.
    """

    signup_id: UUID
    customer_id: UUID
    channel: Channel
    contact: str
    mailbox: str
    variant_id: int
    product_id: int
    market_id: int

    @property
    def identity(self) -> str:
        """The text by which the shopper is recognised."""
        return f"{self.channel}:{self.contact}"


@dataclass(frozen=True, slots=True)
class Known:
    """The signups that a contact already has for a variant and market.

    `latest` is the time of the newest one. `waits` is true if any of them still waits.
    """

    latest: datetime
    waits: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The shop's data that decide which rows of a batch are imported.

    `signups` are the existing ones, keyed by contact, channel, variant and market. `unsubscribed`
    are the identities of shoppers who have unsubscribed. `for_sale` are the variants that shoppers
    can buy now.
    """

    signups: Mapping[tuple[str, str, int, int], Known]
    unsubscribed: frozenset[str]
    for_sale: frozenset[int]


class RowProblem(BaseModel):
    """A row that cannot be imported, and the reason."""

    line: int
    error: str


@dataclass(slots=True)
class Problems:
    """The rows that cannot be imported: the first ones by line, and the number of all."""

    count: int = 0
    named: list[RowProblem] = field(default_factory=list)

    def add(self, line: int, sentence: str) -> None:
        """Record that the row at `line` cannot be imported, with a sentence that says why."""
        self.count += 1
        if len(self.named) < MOST_NAMED or line < self.named[-1].line:
            insort(self.named, RowProblem(line=line, error=sentence), key=lambda one: one.line)
            del self.named[MOST_NAMED:]

    @property
    def sentences(self) -> list[str]:
        """A sentence for each row in `named`, and one with the number of the other rows."""
        named = [f"line {one.line}: {one.error}" for one in self.named]
        more = self.count - len(self.named)
        return [*named, f"and {more} more"] if more else named


@dataclass(slots=True, kw_only=True)
class Outcome:
    """The outcome of an import, as numbers of rows.

    At the end of an import, each row is counted once: in `problems`, in `imported`, or under the
    reason for which it was skipped. `unconfirmed` counts those imported signups that cause no alert
    until their shoppers confirm.
    """

    rows: int = 0
    not_waiting: int = 0
    repeated: int = 0
    known: int = 0
    unsubscribed: int = 0
    in_stock: int = 0
    imported: int = 0
    unconfirmed: int = 0
    problems: Problems = field(default_factory=Problems)
    remarks: list[str] = field(default_factory=list)

    @property
    def view(self) -> "ImportView":
        """The outcome as the API returns it."""
        return ImportView(
            row_count=self.rows,
            imported_count=self.imported,
            unconfirmed_count=self.unconfirmed,
            skipped=SkippedView(
                known=self.known,
                repeated=self.repeated,
                not_waiting=self.not_waiting,
                unsubscribed=self.unsubscribed,
                in_stock=self.in_stock,
            ),
            invalid_count=self.problems.count,
            invalid=self.problems.named,
            remarks=[*self._sentences(), *self.remarks],
        )

    def _sentences(self) -> list[str]:
        """Return a sentence for each number that needs an explanation."""
        numbers = {
            "{} wait here already, or have been told since they signed up": self.known,
            "{} are in the file more than once; each was taken once": self.repeated,
            "{} do not wait (any more), by their status or because they were notified": (
                self.not_waiting
            ),
            "{} are of shoppers who have unsubscribed here; only they can sign up again": (
                self.unsubscribed
            ),
            "{} are for variants that can be bought now; import the file again once these have "
            "sold out": self.in_stock,
            "{} of those imported are told nothing until their shoppers confirm; nobody is asked "
            "to because of an import": self.unconfirmed,
        }
        nothing = ["nothing was imported: all of it is here already"]
        is_repeat = self.rows > 0 and self.known + self.repeated == self.rows
        return [
            *(nothing if is_repeat else []),
            *(sentence.format(number) for sentence, number in numbers.items() if number),
        ]


class SkippedView(BaseModel):
    """The numbers of rows that were not imported although they are valid, by the reason."""

    known: int
    repeated: int
    not_waiting: int
    unsubscribed: int
    in_stock: int


class ImportView(BaseModel):
    """The outcome of an import.

    `invalid` names the first rows with problems. `remarks` are sentences about the whole import.
    """

    row_count: int
    imported_count: int
    unconfirmed_count: int
    skipped: SkippedView
    invalid_count: int
    invalid: list[RowProblem]
    remarks: list[str]
