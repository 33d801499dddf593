"""The value types that a plain str or int cannot express: a secret, and a set of networks."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from typing_extensions import override

MASK = "********"


class Secret(str):
    """Text that a person must not see by accident: its repr is a mask, its value is the string itself."""

    __slots__ = ()

    @override
    def __repr__(self) -> str:
        return f"'{MASK}'" if self else "''"


class Networks:
    """A set of IP networks. `"10.0.0.7" in networks` is cheap enough to ask for every request."""

    __slots__ = ("networks",)

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network] = ()) -> None:
        self.networks = tuple(networks)

    @classmethod
    def parse(cls, value: str | Iterable[str]) -> "Networks":
        """Read a list, or one comma-separated text, of CIDR networks; raise ValueError for anything else."""
        texts = value.split(",") if isinstance(value, str) else value
        return cls(ip_network(text.strip(), strict=False) for text in texts if text.strip())

    def __contains__(self, address: object) -> bool:
        if not self.networks or not isinstance(address, str):
            return False
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self.networks)

    def __bool__(self) -> bool:
        return bool(self.networks)

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Networks) and self.networks == other.networks

    @override
    def __hash__(self) -> int:
        return hash(self.networks)

    @override
    def __str__(self) -> str:
        return ",".join(map(str, self.networks))

    @override
    def __repr__(self) -> str:
        return f"Networks({str(self)!r})"


@lru_cache(maxsize=4096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A dual-stack socket shows IPv4 peers as ::ffff:10.0.0.7; people write 10.0.0.0/8.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
