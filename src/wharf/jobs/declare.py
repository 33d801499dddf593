"""How a room declares a job: a payload with its rules, and the function that does the work."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any, ClassVar, Generic, TypeVar

C_contra = TypeVar("C_contra", contravariant=True)
J = TypeVar("J", bound="Job")


class Priority(IntEnum):
    """Which due job a free worker takes first; within one priority, the one that has been due longest."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how soon a job that failed is tried again; after the last attempt it is a dead letter."""

    max_attempts: int = 10
    first_delay: timedelta = timedelta(seconds=5)
    longest_delay: timedelta = timedelta(hours=1)

    def delay(self, attempts: int, jitter: float) -> timedelta:
        """Return the pause after attempt number `attempts`: doubled each time, shortened by up to half.

        `jitter` in [0, 1) says by how much, so that jobs which failed together do not come back together.
        """
        doublings = min(attempts - 1, 32)  # far past any longest_delay, and no overflow
        delay: timedelta = min(self.first_delay * 2**doublings, self.longest_delay)
        return delay * (1 - jitter / 2)


class Job:
    """A payload: each kind of job is a frozen dataclass derived from this, with JSON-like fields.

    See `wharf.jobs.payload` for what a field may be; none may be called as one of the rules below.
    """

    #: The handler's name, stored in the row: never changed once released.
    kind: ClassVar[str]
    priority: ClassVar[Priority] = Priority.NORMAL
    retry: ClassVar[Retry] = Retry()
    #: An attempt that takes longer is cancelled and counts as failed.
    timeout: ClassVar[timedelta] = timedelta(hours=1)

    @property
    def lock(self) -> str | None:
        """No two jobs with the same lock run at the same time."""
        return None

    @property
    def key(self) -> str | None:
        """No two jobs with the same key wait at the same time; they must mean the same work. One may run meanwhile."""
        return None


@dataclass(frozen=True, slots=True)
class Handler(Generic[C_contra]):
    """A kind of job and the function that does it. `C_contra` is what it needs to be handed."""

    job: type[Job]
    run: Callable[[C_contra, Any], Awaitable[None]]


def handler(job: type[J], run: Callable[[C_contra, J], Awaitable[None]]) -> Handler[C_contra]:
    """Bind `run` to the jobs it understands; the type checker compares their types."""
    return Handler(job, run)


def handlers(*each: Handler[C_contra]) -> Mapping[str, Handler[C_contra]]:
    """Return handlers by kind; raises ValueError when two claim one kind."""
    by_kind = {one.job.kind: one for one in each}
    if len(by_kind) != len(each):
        raise ValueError(f"two handlers for one kind of job among {sorted(one.job.kind for one in each)}")
    return by_kind
