from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.jobs.samples import HANDLERS, Exclusive, Note, Sweep, remember
from wharf.jobs.declare import Retry, handler, handlers

RETRY = Retry(max_attempts=10, first_delay=timedelta(seconds=5), longest_delay=timedelta(minutes=10))


def test_each_delay_is_twice_the_one_before_up_to_the_longest() -> None:
    assert [5, 10, 20, 40] == [RETRY.delay(attempts, 0).total_seconds() for attempts in (1, 2, 3, 4)]
    assert timedelta(minutes=10) == RETRY.delay(9, 0)


@given(attempts=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_jitter_shortens_a_delay_by_less_than_half(attempts: int, jitter: float) -> None:
    full = RETRY.delay(attempts, 0)
    assert full / 2 <= RETRY.delay(attempts, jitter) <= full


def test_a_job_has_no_lock_and_no_key_unless_it_says_so() -> None:
    assert (None, None) == (Note(1).lock, Note(1).key)
    assert "room:a" == Exclusive("a", 1).lock
    assert "sweep:a" == Sweep("a").key


def test_handlers_are_found_by_kind() -> None:
    assert Note is HANDLERS["note"].job


def test_one_kind_has_one_handler() -> None:
    with pytest.raises(ValueError, match="note"):
        handlers(handler(Note, remember), handler(Note, remember))
