"""What can be wrong with a request to the queue, as facts."""

from dataclasses import dataclass


class JobsError(Exception):
    """The queue cannot do what was asked."""


@dataclass(eq=False)
class DeadLetterUnknown(JobsError):
    """There is no dead letter of this number."""

    id: int
