"""Registry scopes: what a client asks of the token service, `repository:library/alpine:pull,push`."""

import re
from collections.abc import Iterable
from typing import NamedTuple, Self

from typing_extensions import override

from wharf.oci.errors import ScopeInvalid

MAX_SCOPES = 64
MAX_LENGTH = 1024

REPOSITORY = "repository"
REGISTRY = "registry"

_TYPE = re.compile(r"(?P<kind>[a-z0-9]++)(?:\((?P<class>[a-z0-9]++)\))?")
_ACTIONS = re.compile(r"(?:[a-z]+|\*)(?:,(?:[a-z]+|\*))*|")
# A name has no spaces (they separate scopes) and no control characters (scopes are logged and quoted in headers).
_NAME = re.compile(r"[!#-\[\]-~]+")


class Scope(NamedTuple):
    """What is asked for: some actions on one resource."""

    kind: str
    name: str
    actions: frozenset[str]
    kind_class: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The scope written in `text`; raises ScopeInvalid.

        The name may contain colons (a host's port), so the text is split at its first and at its last one.
        """
        head, _, rest = text.partition(":")
        name, colon, actions = rest.rpartition(":")
        kind = _TYPE.fullmatch(head)
        if len(text) > MAX_LENGTH or not kind or not colon:
            raise ScopeInvalid(text)
        if not _NAME.fullmatch(name) or not _ACTIONS.fullmatch(actions):
            raise ScopeInvalid(text)
        return cls(kind["kind"], name, frozenset(actions.split(",")) if actions else frozenset(), kind["class"])

    @override
    def __str__(self) -> str:
        """The scope as written in a challenge: actions sorted, so that equal scopes have equal texts."""
        kind = f"{self.kind}({self.kind_class})" if self.kind_class else self.kind
        return f"{kind}:{self.name}:{','.join(sorted(self.actions))}"


def parse_all(values: Iterable[str]) -> tuple[Scope, ...]:
    """The scopes of repeated `scope` parameters, each possibly a space-separated list.

    Scopes of the same resource are merged. Those that cannot be understood are left out rather than refused, as are
    those beyond `MAX_SCOPES`: a token grants the subset it can, and one odd scope must not fail a login.
    """
    merged: dict[tuple[str, str | None, str], Scope] = {}
    for text in (part for value in values for part in value.split(" ") if part):
        try:
            scope = Scope.parse(text)
        except ScopeInvalid:
            continue
        key = (scope.kind, scope.kind_class, scope.name)
        known = merged.get(key)
        if known:
            merged[key] = known._replace(actions=known.actions | scope.actions)
        elif len(merged) < MAX_SCOPES:
            merged[key] = scope
    return tuple(merged.values())
