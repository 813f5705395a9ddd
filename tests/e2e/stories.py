"""What becomes of an order, step by step: a story does it, and its books say what should follow."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.e2e.books import UNITS, ZERO, Books, Bought
from tests.e2e.stack import Offer, Stack


@dataclass(frozen=True, slots=True)
class Shelf:
    """Something that is for sale: `offer` is None for what is in stock."""

    name: str
    price: Decimal
    variant: int
    offer: Offer | None
    plans: dict[str, int]
    percent: int = 100
    holds: bool = True
    tags: tuple[str, ...] = ()


@dataclass(slots=True)
class Story:
    """An order and what is still to become of it."""

    kind: str
    number: int
    lines: Sequence[tuple[str, str, int, str]]
    card: str
    steps: list["Step"]
    stack: Stack
    shelves: dict[str, Shelf]
    currency: str
    order: Any = None
    books: Books = field(init=False)
    # How often the card is still declined.
    declines: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.number}" + (f" ({self.order['id']})" if self.order else "")

    async def ask(self, action: str, **body: Any) -> None:
        """Ask for an action, which is granted."""
        answer = await self.stack.try_("POST", f"{self.at}/{action}", **body)
        assert answer.status_code == 202, f"{self}: {action}: {answer.text}"

    async def is_refused(self, action: str, **body: Any) -> None:
        answer = await self.stack.try_("POST", f"{self.at}/{action}", **body)
        assert answer.status_code == 409, f"{self}: {action}: {answer.text}"

    async def happens(self, what: str, **body: Any) -> None:
        """Have a shopper or a merchant do something in the shop."""
        await self.stack.control("POST", f"orders/{self.order['id']}/{what}", **body)

    @property
    def at(self) -> str:
        return f"/preorders/orders/{self.order['id']}"

    async def begin(self) -> None:
        """Buy it."""
        unit = UNITS[self.currency]
        self.books = Books(lines=[])
        wanted = []
        for name, option, quantity, discount in self.lines:
            shelf = self.shelves[name]
            line = Bought(
                offer=name if shelf.offer is not None else None,
                price=shelf.price,
                quantity=quantity,
                percent=shelf.percent if option == "partial" else 100,
                discount=Decimal(discount),
                unit=unit,
            )
            self.books.lines.append(line)
            if shelf.offer is not None:
                self.books.held |= shelf.holds
                self.books.tags |= set(shelf.tags)
            body: dict[str, Any] = {
                "variant_id": shelf.variant,
                "quantity": quantity,
                "plan_id": shelf.plans.get(option),
                "discount": discount,
            }
            if option == "named" and shelf.offer is not None:
                body["properties"] = {"_openstoq_offer": shelf.offer.id}
            wanted.append(body)
        self.books.came = sum((line.due for line in self.books.lines), ZERO)
        self.declines = int(self.card.partition("_")[2]) if "declines_" in self.card else 0
        customer = {"email": f"ada-{self.number}@example.com", "name": "Ada Byron"}
        self.order = await self.stack.control(
            "POST", "orders", lines=wanted, customer=customer, card=self.card
        )


Step = Callable[[Story], Awaitable[None]]
