import re
from datetime import UTC, timedelta
from uuid import UUID

from wharf.kit.clock import utc_now
from wharf.kit.ids import random_id, sortable_id


def test_identifiers_are_hexadecimal_and_distinct() -> None:
    made = {random_id() for _ in range(100)} | {sortable_id() for _ in range(100)}
    assert 200 == len(made)
    assert all(re.fullmatch(r"[0-9a-f]{32}", value) for value in made)


def test_sortable_identifiers_are_uuid7_of_now() -> None:
    value = UUID(sortable_id())
    assert 7 == value.version
    milliseconds = value.int >> 80
    assert abs(utc_now().timestamp() * 1000 - milliseconds) < timedelta(minutes=1).total_seconds() * 1000


def test_the_clock_is_aware_and_in_utc() -> None:
    assert UTC is utc_now().tzinfo
