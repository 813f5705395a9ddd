"""Declare jobs: each is a function whose keyword-only parameters are the payload."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec
from uuid import UUID

from pydantic import ConfigDict, TypeAdapter, create_model

from openstoq.errors import Systemic
from openstoq.kernel.declaration import keyword_fields

if TYPE_CHECKING:
    from openstoq.jobs.work import Run

Sent = ParamSpec("Sent")
Handler = Callable[Concatenate["Run", Sent], Awaitable[None]]

# The shop of a job in the queue whose own shop cannot be read.
NO_SHOP = UUID(int=0)


class Lane(StrEnum):
    """A group of jobs that compete for the same slots of a worker."""

    WORK = "work"
    SENDS = "sends"
    """Messages to people. They have their own slots, so they need not wait for other work."""


class Retry(Systemic):
    """Reschedule the job after `delay`. This does not count as a failure, so it has no limit.

    `is_repeat` means that the next run may repeat something that this run has already done.
    """

    def __init__(
        self, reason: str, *, delay: timedelta = timedelta(0), is_repeat: bool = False
    ) -> None:
        super().__init__(reason)
        self.delay = delay
        self.is_repeat = is_repeat


class GiveUp(Systemic):
    """End the job for good, because a retry would not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Generic[Sent]):
    """A unit of background work that runs at least once.

    A run that raises is retried up to `attempts` times, with growing pauses. If the last retry
    raises too, the job becomes a dead letter, which is kept for the operator. `lane` is the group
    of jobs with which the job competes for slots. `cron` schedules the job for every installed
    shop, and if `uninstalled` is set, for uninstalled shops too.

    `apart_by` names an argument. Two jobs whose arguments have the same value never run at once in
    the same worker, even if the jobs have different names.
    """

    name: str
    handler: Handler[Sent]
    attempts: int
    cron: str | None
    uninstalled: bool
    lane: Lane
    apart_by: str | None
    payload: TypeAdapter[Any]

    def after(self, delay: timedelta) -> "Planned[Sent]":
        """Return a plan that enqueues the job to start after `delay`."""
        return Planned(job=self, delay=delay)

    def once(self, *, after: timedelta = timedelta(0)) -> "Planned[Sent]":
        """Return a plan that enqueues the job unless it already waits with the same arguments."""
        return Planned(job=self, delay=after, coalesced=True)

    def apart(self, arguments: Mapping[str, Any]) -> str | None:
        """Return the value of the argument that `apart_by` names; None if it names none."""
        return None if self.apart_by is None else str(arguments[self.apart_by])

    def arguments(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Return the handler's keyword arguments, parsed from a stored payload."""
        return dict(self.payload.validate_python(sent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Generic[Sent]):
    """A plan to enqueue a job after `delay`.

    A `coalesced` job is not enqueued if an equal job already waits.
    """

    job: Job[Sent]
    delay: timedelta = timedelta(0)
    coalesced: bool = False


@dataclass(slots=True)
class JobSet:
    """The jobs that a module declares, in order."""

    name: str
    jobs: list[Job[Any]] = field(default_factory=list)

    def __iter__(self) -> Iterator[Job[Any]]:
        return iter(self.jobs)

    def job(
        self,
        *,
        attempts: int = 12,
        cron: str | None = None,
        uninstalled: bool = False,
        lane: Lane = Lane.WORK,
        apart_by: str | None = None,
    ) -> Callable[[Handler[Sent]], Job[Sent]]:
        """Declare a job, which is named after the set and the function."""

        def declare(handler: Handler[Sent]) -> Job[Sent]:
            name = f"{self.name}.{handler.__name__}"
            job = Job(
                name=name,
                handler=handler,
                attempts=attempts,
                cron=cron,
                uninstalled=uninstalled,
                lane=lane,
                apart_by=apart_by,
                payload=TypeAdapter(
                    create_model(
                        name, __config__=ConfigDict(extra="forbid"), **keyword_fields(handler)
                    )
                ),
            )
            self.jobs.append(job)
            return job

        return declare
