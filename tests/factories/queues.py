"""The queue of jobs, as tests wait for it."""

from typing import Protocol


class Executor(Protocol):
    """A connection to the database, or a transaction."""

    async def execute(self, query: str, /) -> object:
        """Run a statement."""


async def cut_pauses_short(db: Executor) -> None:
    """Have jobs run again now that would pause for long after a run that failed.

    A shop that does not answer is left alone for a minute, and pauses double with each failure. How
    often a job fails depends on how busy the machine is, and would decide how long a test waits.
    """
    await db.execute(
        """
        UPDATE queue.pgqueuer SET execute_after = now()
        WHERE status = 'queued' AND attempts > 0 AND execute_after > now() + interval '3 seconds'
        """
    )
