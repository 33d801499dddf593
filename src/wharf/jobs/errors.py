"""What can be wrong with a request to the queue, as facts."""

from dataclasses import dataclass


@dataclass(eq=False)
class DeadLetterUnknown(Exception):
    """There is no dead letter of this number."""

    id: int
