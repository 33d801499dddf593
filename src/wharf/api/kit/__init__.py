"""What the resources share: who calls, what they are built of, paging, bodies, failures, avatars, times.

A resource imports from here and from the rooms whose verbs it calls, never from another resource. Knows HTTP and the
habits of Quay's API; knows no domain. docs/howto/add-an-api-resource.md shows how it is used.
"""

from wharf.api.kit.avatars import Avatar, AvatarKind, avatar
from wharf.api.kit.callers import (
    Anyone,
    Caller,
    FreshOrganizationAdmin,
    FreshSuperuser,
    FreshUserAdmin,
    OrganizationAdmin,
    RepositoryAdmin,
    RepositoryCreator,
    RepositoryReader,
    RepositoryWriter,
    SignedIn,
    Superuser,
    UserAdmin,
    UserReader,
    Via,
)
from wharf.api.kit.failures import FAILURES, Failure
from wharf.api.kit.paging import Page, WithPage
from wharf.api.kit.parts import Parts, WithParts
from wharf.api.kit.refusals import Forbidden, NotFound, Refused
from wharf.api.kit.shapes import Body, LeftOut, Moment, NextPage, Shape

__all__ = [
    "FAILURES",
    "Anyone",
    "Avatar",
    "AvatarKind",
    "Body",
    "Caller",
    "Failure",
    "Forbidden",
    "FreshOrganizationAdmin",
    "FreshSuperuser",
    "FreshUserAdmin",
    "LeftOut",
    "Moment",
    "NextPage",
    "NotFound",
    "OrganizationAdmin",
    "Page",
    "Parts",
    "Refused",
    "RepositoryAdmin",
    "RepositoryCreator",
    "RepositoryReader",
    "RepositoryWriter",
    "Shape",
    "SignedIn",
    "Superuser",
    "UserAdmin",
    "UserReader",
    "Via",
    "WithPage",
    "WithParts",
    "avatar",
]
