import pytest

from wharf.app import proxies
from wharf.config import Networks

TRUSTED = Networks.parse("10.0.0.0/8, fd00::/8")


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ([b"192.0.2.7"], "192.0.2.7"),
        ([b"192.0.2.7, 10.0.0.2"], "192.0.2.7"),
        ([b"192.0.2.7", b"10.0.0.2"], "192.0.2.7"),
        ([b"6.6.6.6, 192.0.2.7, 10.0.0.2"], "192.0.2.7"),
        ([b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ([b"192.0.2.7:4711"], "192.0.2.7"),
        ([b"[2001:db8::7]:4711, fd00::1"], "2001:db8::7"),
        ([b"2001:db8::7"], "2001:db8::7"),
        ([b" , "], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_address_that_is_not_ours(forwarded: list[bytes], client: str) -> None:
    headers = [(b"x-forwarded-for", value) for value in forwarded]
    scope = {"client": ("10.0.0.1", 5), "scheme": "http", "headers": headers}
    proxies.apply(scope, TRUSTED)
    assert client == scope["client"][0]


@pytest.mark.parametrize(
    ("value", "scheme"), [(b"https", "https"), (b"HTTPS", "https"), (b"http, https", "https"), (b"gopher", "http")]
)
def test_a_scheme_is_http_or_https(value: bytes, scheme: str) -> None:
    scope = {"client": ("10.0.0.1", 5), "scheme": "http", "headers": [(b"x-forwarded-proto", value)]}
    proxies.apply(scope, TRUSTED)
    assert scheme == scope["scheme"]


@pytest.mark.parametrize("peer", [None, ("192.0.2.1", 5), ("unix:", 0)])
def test_a_stranger_is_not_believed(peer: tuple[str, int] | None) -> None:
    headers = [(b"x-forwarded-for", b"6.6.6.6"), (b"host", b"here"), (b"x-forwarded-host", b"there")]
    scope = {"client": peer, "scheme": "http", "headers": headers}
    proxies.apply(scope, TRUSTED)
    assert (peer, headers) == (scope["client"], scope["headers"])
