"""What the tests of accounts share: a clock that is set by hand, and one password hashed once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from wharf.accounts import passwords
from wharf.accounts.passwords import PasswordHash

PASSWORD = "correct horse battery"


class Watch:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="session")
def hashed() -> PasswordHash:
    """The hash of PASSWORD."""
    return asyncio.run(passwords.hash_(PASSWORD))
