"""Repository and tag names (distribution-spec, "Pulling manifests")."""

import re
from typing import Self

from wharf.oci.errors import NameInvalid, TagInvalid

MAX_NAME_LENGTH = 255

_COMPONENT = r"[a-z0-9]++(?:(?:\.|_|__|-++)[a-z0-9]++)*+"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*+")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class RepositoryName(str):
    """A validated name, such as `library/alpine`. The constructor trusts its text; `parse` is the door."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """The name written in `text`; raises NameInvalid."""
        if len(text) > MAX_NAME_LENGTH:
            raise NameInvalid(text, f"longer than {MAX_NAME_LENGTH} characters")
        if _NAME.fullmatch(text):
            return cls(text)
        raise NameInvalid(text)

    @property
    def namespace(self) -> str | None:
        """The first component, `None` when there is only one."""
        first, slash, _ = self.partition("/")
        return first if slash else None

    @property
    def short_name(self) -> str:
        """What follows the namespace; the whole name when there is only one component."""
        first, _, rest = self.partition("/")
        return rest or first


class TagName(str):
    """A validated tag name, such as `latest`. The constructor trusts its text; `parse` is the door."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """The tag name written in `text`; raises TagInvalid."""
        if _TAG.fullmatch(text):
            return cls(text)
        raise TagInvalid(text)
