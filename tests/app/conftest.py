from collections.abc import Iterator

import pytest

from wharf.telemetry.request_id import request_id


@pytest.fixture(autouse=True)
def outside_of_requests() -> Iterator[None]:
    """Each test begins and ends without a request id."""
    token = request_id.set("")
    yield
    request_id.reset(token)
