"""Pages of a list: the requested page, and the `meta` block of the response."""

from dataclasses import dataclass

from pydantic import BaseModel

MOST_ROWS = 10_000_000


class PageMeta(BaseModel):
    """The position of a page within its list."""

    total_count: int
    page: int
    per_page: int
    total_pages: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: its `number`, counted from 1, and the `size` of all pages in rows."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """The number of rows before this page."""
        return min((self.number - 1) * self.size, MOST_ROWS)

    def meta(self, total: int) -> PageMeta:
        """Return the `meta` block of this page, for a list of `total` rows."""
        return PageMeta(
            total_count=total,
            page=self.number,
            per_page=self.size,
            total_pages=-(-total // self.size),
        )
