"""The registry's own jobs: what is done about facts later. Their handlers are in `gc` and wired by `app`."""

from dataclasses import dataclass
from typing import ClassVar

from wharf.jobs.declare import Job


@dataclass(frozen=True, slots=True)
class CollectRepository(Job):
    """Forget what nothing in the repository leads to any more."""

    kind: ClassVar[str] = "collect_repository"
    repository_id: int

    @property
    def key(self) -> str:
        """One waiting collection per repository is enough."""
        return f"collect:{self.repository_id}"

    @property
    def lock(self) -> str:
        """Two collections of one repository would do the same work."""
        return f"collect:{self.repository_id}"


@dataclass(frozen=True, slots=True)
class Sweep(Job):
    """Do the regular rounds: expired tags, uploads and leases, doomed blobs, forgotten objects."""

    kind: ClassVar[str] = "sweep"

    @property
    def key(self) -> str:
        """One waiting round is enough."""
        return "sweep"

    @property
    def lock(self) -> str:
        """Rounds do not overlap."""
        return "sweep"


@dataclass(frozen=True, slots=True)
class FindOrphans(Job):
    """Look through storage for objects that no row knows."""

    kind: ClassVar[str] = "find_orphans"

    @property
    def key(self) -> str:
        """One waiting search is enough."""
        return "find_orphans"

    @property
    def lock(self) -> str:
        """Searches do not overlap."""
        return "find_orphans"
