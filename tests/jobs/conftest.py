import pytest

from tests.jobs.samples import HandClock, Memory


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def memory() -> Memory:
    return Memory()
