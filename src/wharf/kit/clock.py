"""Time as a parameter: whoever needs to know the time takes a Clock, so that its tests need not wait."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of production: the present as an aware UTC datetime."""
    return datetime.now(UTC)
