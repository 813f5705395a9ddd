"""Jobs: one declaration each, a function whose keyword-only parameters are the payload."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec

from pydantic import ConfigDict, TypeAdapter, create_model

from openstoq.errors import Systemic
from openstoq.kernel.declaration import keyword_fields

if TYPE_CHECKING:
    from openstoq.jobs.work import Run

Sent = ParamSpec("Sent")
Handler = Callable[Concatenate["Run", Sent], Awaitable[None]]


class Lane(StrEnum):
    """What a job competes with for a worker's slots."""

    WORK = "work"
    SENDS = "sends"
    """Messages to people: they keep their own slots, however much other work there is."""


class Retry(Systemic):
    """Run the job again after `delay`, as often as it asks for it: that is no failure.

    `is_repeat` says that this run may have done already what the next one does again.
    """

    def __init__(
        self, reason: str, *, delay: timedelta = timedelta(0), is_repeat: bool = False
    ) -> None:
        super().__init__(reason)
        self.delay = delay
        self.is_repeat = is_repeat


class GiveUp(Systemic):
    """Do not run the job again: nothing that it could do would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Generic[Sent]):
    """Something to be done in the background, at least once.

    `attempts` bounds how often runs that raise are repeated, with growing pauses; after that the
    job is kept as failed for the operator. `lane` names the slots it takes. `cron` runs it for every installed shop, and for
    `uninstalled` ones where it says so.
    """

    name: str
    handler: Handler[Sent]
    attempts: int
    cron: str | None
    uninstalled: bool
    lane: Lane
    payload: TypeAdapter[Any]

    def after(self, delay: timedelta) -> "Planned[Sent]":
        """Return the job as one to enqueue that begins after `delay`."""
        return Planned(job=self, delay=delay)

    def once(self, *, after: timedelta = timedelta(0)) -> "Planned[Sent]":
        """Return the job as one to enqueue unless one with the same arguments already waits."""
        return Planned(job=self, delay=after, coalesced=True)

    def arguments(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Read a stored payload back into the handler's keyword arguments."""
        return dict(self.payload.validate_python(sent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Generic[Sent]):
    """A job with when it begins, and whether one that waits already is enough."""

    job: Job[Sent]
    delay: timedelta = timedelta(0)
    coalesced: bool = False


@dataclass(slots=True)
class JobSet:
    """The jobs one module declares, in order."""

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
    ) -> Callable[[Handler[Sent]], Job[Sent]]:
        """Declare a job; its name is the set's and the function's."""

        def declare(handler: Handler[Sent]) -> Job[Sent]:
            name = f"{self.name}.{handler.__name__}"
            job = Job(
                name=name,
                handler=handler,
                attempts=attempts,
                cron=cron,
                uninstalled=uninstalled,
                lane=lane,
                payload=TypeAdapter(
                    create_model(
                        name, __config__=ConfigDict(extra="forbid"), **keyword_fields(handler)
                    )
                ),
            )
            self.jobs.append(job)
            return job

        return declare
