"""Stories: scenarios that `openstoq demo --script NAME` plays and checks."""

import httpx
from rich.console import Console

from openstoq.commands.scripts.back_in_stock import BackInStock
from openstoq.commands.scripts.preorder import Preorders
from openstoq.commands.scripts.stage import Demo
from openstoq.commands.scripts.story import Story

SCRIPTS: dict[str, type[Story]] = {"back-in-stock": BackInStock, "preorder": Preorders}


async def play(names: list[str], stage: Demo) -> int:
    """Play stories one after the other; return 0 if all of them succeed, or else 1."""
    console = Console(highlight=False)
    async with httpx.AsyncClient(timeout=10) as http:
        for name in names:
            if not await SCRIPTS[name](stage, http, console).play():
                return 1
    console.print("\nAll as it should be.")
    return 0
