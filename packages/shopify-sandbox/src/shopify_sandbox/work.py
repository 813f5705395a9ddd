"""Background jobs of a shop, which end after a short delay or when a client has polled them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

DELAY_SECONDS = 0.05


@dataclass(slots=True, eq=False)
class Job:
    """A background job; `asked` is the number of times that a client has polled it."""

    id: str
    run: Callable[[], None]
    done: bool = False
    asked: int = 0

    def finish(self) -> None:
        """Run the job, unless it has run already."""
        if not self.done:
            self.done = True
            self.run()


class Work:
    """The jobs of one shop.

    If `polls` is None, a job ends after `delay` seconds. Otherwise it ends when a client has polled
    it `polls` times, however long that takes.
    """

    def __init__(self) -> None:
        self.delay = DELAY_SECONDS
        self.polls: int | None = None
        self._jobs: dict[str, Job] = {}
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, run: Callable[[], None]) -> Job:
        """Begin a job that calls `run` when it ends, and return the job."""
        job = Job(f"gid://shopify/Job/{uuid4()}", run)
        self._jobs[job.id] = job
        if self.polls is None:
            task = asyncio.get_running_loop().create_task(self._later(job, self.delay))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return job

    def ask(self, job_id: str) -> Job | None:
        """Count a poll of a job, and return the job.

        If this is the last poll that the job needs, the job is finished before it is returned.
        Returns None for an unknown job.
        """
        job = self._jobs.get(job_id)
        if job is not None:
            job.asked += 1
            if self.polls is not None and job.asked >= self.polls:
                job.finish()
        return job

    async def idle(self) -> None:
        """Wait until all jobs that end after a delay have ended.

        Jobs that end after a number of polls are not waited for.
        """
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
