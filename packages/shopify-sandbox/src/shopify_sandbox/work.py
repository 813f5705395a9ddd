"""Jobs of a shop that run in the background and end a moment later, or after so many polls."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

DELAY_SECONDS = 0.05


@dataclass(slots=True, eq=False)
class Job:
    """A job that was begun; `asked` counts how often a client has polled it."""

    id: str
    run: Callable[[], None]
    done: bool = False
    asked: int = 0

    def finish(self) -> None:
        """Run the job, once."""
        if not self.done:
            self.done = True
            self.run()


class Work:
    """The jobs of one shop.

    A job ends after `delay` seconds or, when `polls` is set, once it was polled so many times and
    not before.
    """

    def __init__(self) -> None:
        self.delay = DELAY_SECONDS
        self.polls: int | None = None
        self._jobs: dict[str, Job] = {}
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, run: Callable[[], None]) -> Job:
        """Begin a job that calls `run` once it is due."""
        job = Job(f"gid://shopify/Job/{uuid4()}", run)
        self._jobs[job.id] = job
        if self.polls is None:
            task = asyncio.get_running_loop().create_task(self._later(job, self.delay))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return job

    def ask(self, job_id: str) -> Job | None:
        """Poll a job: return it, finished if it was polled often enough, or None if unknown."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.asked += 1
            if self.polls is not None and job.asked >= self.polls:
                job.finish()
        return job

    async def idle(self) -> None:
        """Wait for the jobs that end after a delay; jobs that end by polls are not awaited."""
        while self._running:
            await asyncio.wait(set(self._running))

    def stop(self) -> None:
        """Abandon all unfinished jobs."""
        for task in self._running:
            task.cancel()
        self._jobs.clear()

    async def _later(self, job: Job, delay: float) -> None:
        await asyncio.sleep(delay)
        job.finish()
