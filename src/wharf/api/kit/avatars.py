"""Avatars: drawn by the client from a name, a color and a hash; no foreign service is told who our users are."""

import hashlib
from enum import StrEnum

from wharf.api.kit.shapes import Shape

_COLORS = (
    *("#1f6fb2", "#c2571a", "#2a7f3f", "#b3261e", "#6b4fa0", "#7a5236", "#b0458b", "#5f6b76"),
    *("#7c7a13", "#157f8c", "#3f51b5", "#8e5a00", "#00695c", "#ad1457", "#4e6e1e", "#455a64"),
)


class AvatarKind(StrEnum):
    """Whose avatar it is."""

    USER = "user"
    ORGANIZATION = "org"
    TEAM = "team"
    ROBOT = "robot"
    APPLICATION = "app"


class Avatar(Shape):
    """What a client draws an avatar from."""

    name: str
    hash: str
    color: str
    kind: AvatarKind


def avatar(name: str, kind: AvatarKind) -> Avatar:
    """The avatar of what is called `name`; the same name and kind look the same everywhere."""
    digest = hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()
    return Avatar(name=name, hash=digest, color=_COLORS[int(digest[:8], 16) % len(_COLORS)], kind=kind)
