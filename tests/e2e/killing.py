"""Killing workers and APIs while they work, as the kernel does when memory runs out."""

import random
from collections.abc import Awaitable, Callable

from tests.e2e.stack import Stack
from tests.factories.patience import until


async def killing(stack: Stack, chance: random.Random, left: Callable[[], Awaitable[int]]) -> int:
    """Kill a worker or an API again and again, as work goes on, until none is left; count them."""
    killed, before = 0, await left()
    while before:
        # A random part of what is left gets done before the next is killed.
        target = before - chance.randint(max(before // 3, 1), before)

        async def has_come(target: int = target) -> bool:
            return await left() <= target

        await until(has_come)
        victims = chance.choice((stack.workers, stack.workers, stack.apis))
        stack.kill(victims.pop(chance.randrange(len(victims))))
        if victims is stack.apis:
            victims.append(await stack.start_api())
        else:
            victims.append(stack.add_worker())
        killed, before = killed + 1, await left()
    return killed


async def bury(stack: Stack) -> None:
    """Replace all workers at once."""
    for worker in stack.workers:
        stack.kill(worker)
    stack.workers = [stack.add_worker() for _ in stack.workers]
