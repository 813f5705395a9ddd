"""Stories that `openstoq demo --script NAME` plays and checks."""

from collections.abc import Callable, Coroutine
from typing import Any

from openstoq.commands.scripts.back_in_stock import play as back_in_stock

SCRIPTS: dict[str, Callable[[Any], Coroutine[Any, Any, int]]] = {"back-in-stock": back_in_stock}
