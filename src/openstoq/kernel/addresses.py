"""Clients' addresses, as far as they tell one client from another."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

# Whoever has one address of it has them all: it is what one household or server is given.
_PREFIX = 64
# Every request has its client's address read, and most come from few addresses.
_REMEMBERED = 4096


@lru_cache(_REMEMBERED)
def plain(address: str) -> str:
    """Return an IPv4 address as itself where a socket for both families wrote it as IPv6."""
    try:
        read = ip_address(address)
    except ValueError:
        return address
    mapped = read.ipv4_mapped if isinstance(read, IPv6Address) else None
    return str(mapped) if mapped is not None else address


@lru_cache(_REMEMBERED)
def client_of(address: str) -> str:
    """Return the address to count a client by: an IPv4 address, or the /64 of an IPv6 one.

    An IPv4 address written as IPv6, by mapping or by 6to4, is itself. What is no address is kept.
    """
    try:
        read = ip_address(address.strip())
    except ValueError:
        return address
    if isinstance(read, IPv4Address):
        return str(read)
    inner = read.ipv4_mapped or read.sixtofour
    if inner is not None:
        return str(inner)
    return str(IPv6Network((int(IPv6Address(int(read))), _PREFIX), strict=False))
