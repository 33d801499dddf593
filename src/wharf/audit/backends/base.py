"""What a backend is."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Document = Mapping[str, Any]
"""An entry as JSON values, with its `id`; see `wharf.audit.entry.Entry.document`."""


class Backend(Protocol):
    """A system that takes entries. It is asked by one caller at a time."""

    name: str

    async def send(self, documents: Sequence[Document]) -> None:
        """Return when all entries have arrived: as surely as the system can tell.

        Raises `BackendUnavailable` when some have not; all of them are sent again then.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
