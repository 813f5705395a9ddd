"""Pages of a list: what callers ask for and the `meta` block they get back."""

from dataclasses import dataclass

from pydantic import BaseModel

MOST_ROWS = 10_000_000


class PageMeta(BaseModel):
    """Where a page stands in its list."""

    total_count: int
    page: int
    per_page: int
    total_pages: int


@dataclass(frozen=True, slots=True)
class Page:
    """The `number`-th page (from 1) of `size` rows."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many rows come before this page."""
        return min((self.number - 1) * self.size, MOST_ROWS)

    def meta(self, total: int) -> PageMeta:
        """Describe this page of a list of `total` rows."""
        return PageMeta(
            total_count=total,
            page=self.number,
            per_page=self.size,
            total_pages=-(-total // self.size),
        )
