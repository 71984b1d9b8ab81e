"""Network addresses as text."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

IPV6_PREFIX_BITS = 64
"""What one subscriber has at least: RFC 6177 and RFC 4291, section 2.5.4."""
UNKNOWN = "unknown"
"""The address of a peer that has none, such as a Unix socket."""


def plain_address(text: str) -> str | None:
    """Return an address in its canonical form, an IPv4-mapped one as IPv4; None for anything else."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return None
        address = address.ipv4_mapped or address
    return str(address)


@lru_cache(maxsize=4_096)
def source_of(address: str) -> str:
    """Return what a limit by address counts together: an IPv4 address, or the /64 network of an IPv6 address."""
    plain = plain_address(address)
    if plain is None:
        return UNKNOWN
    return str(ip_network(f"{plain}/{IPV6_PREFIX_BITS}", strict=False)) if ":" in plain else plain
