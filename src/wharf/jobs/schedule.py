"""Periodic jobs, declared as data: in each period one replica enqueues the job."""

from dataclasses import dataclass
from datetime import timedelta

from wharf.jobs.declare import Job


@dataclass(frozen=True, slots=True)
class Schedule:
    """`job` is enqueued when Wharf first starts and then `every` so often. Its key keeps late runs from piling up."""

    name: str
    every: timedelta
    job: Job
