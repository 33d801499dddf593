"""Which manifests nothing leads to any more. Pure: the caller loads the graph."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet


def unreachable(candidates: Iterable[str], holders: Mapping[str, Iterable[str]], held: AbstractSet[str]) -> set[str]:
    """Return those candidates from which no chain of holders ends at something held.

    `holders` gives for each digest what keeps it: the indexes that name it and its own subject. `held` are those that
    stand by themselves: tagged, leased, or pushed by digest. A cycle holds nobody: an attestation may be listed in the
    index that is its subject.
    """
    kept_by: dict[str, set[str]] = {}
    for digest, above in holders.items():
        for holder in above:
            kept_by.setdefault(holder, set()).add(digest)
    kept = set(held)
    frontier = list(held)
    while frontier:
        for digest in kept_by.get(frontier.pop(), ()):
            if digest not in kept:
                kept.add(digest)
                frontier.append(digest)
    return {digest for digest in candidates if digest not in kept}
