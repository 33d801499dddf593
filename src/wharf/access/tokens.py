"""What a token limits its holder to, on top of what the holder's grants allow."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from wharf.access.principals import Principal
from wharf.oci.scopes import REPOSITORY, Scope

_ALL_ACTIONS = "*"


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a genuine registry token says."""

    principal: Principal
    scopes: tuple[Scope, ...]
    expires_at: datetime
    actions: Mapping[tuple[str, str], frozenset[str]]

    @property
    def subject(self) -> str:
        """Whose token it is, in the spelling of `Principal.subject`: an upload is continued by its subject only."""
        return self.principal.subject

    def allows(self, name: str, action: str, kind: str = REPOSITORY) -> bool:
        """Tell whether the token was issued for `action` on a resource; its principal's grants are another question."""
        actions = self.actions.get((kind, name), frozenset())
        return action in actions or _ALL_ACTIONS in actions
