"""What all paths of repositories have in common: the name in them."""

from typing import Annotated

from fastapi import Depends, Path

from wharf.oci.names import RepositoryName


def _name(repository: Annotated[str, Path(description="The full name: its namespace, a slash, and the rest.")]) -> str:
    return RepositoryName.parse(repository)


#: The repository that the path names. Raises NameInvalid.
WithName = Annotated[RepositoryName, Depends(_name)]
