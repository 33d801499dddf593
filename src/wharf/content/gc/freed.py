"""What a collection has freed, or would."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Freed:
    """Counts of what is forgotten, and the bytes that storage gets back."""

    tags: int = 0
    uploads: int = 0
    manifests: int = 0
    manifest_bytes: int = 0
    links: int = 0
    blobs: int = 0
    objects: int = 0
    object_bytes: int = 0

    def __add__(self, other: "Freed") -> "Freed":
        """Add each count."""
        return Freed(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))
