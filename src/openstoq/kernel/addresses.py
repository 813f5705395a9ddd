"""Clients' IP addresses, reduced to the part that identifies a client."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

# A household or server is assigned a whole /64, so its addresses count as one client.
_PREFIX = 64
# The client's address is parsed for every request, and most requests come from few addresses.
_REMEMBERED = 4096


@lru_cache(_REMEMBERED)
def plain(address: str) -> str:
    """Return an IPv4-mapped IPv6 address as IPv4, and any other text unchanged.

    A dual-stack socket reports IPv4 clients by such mapped addresses.
    """
    try:
        read = ip_address(address)
    except ValueError:
        return address
    mapped = read.ipv4_mapped if isinstance(read, IPv6Address) else None
    return str(mapped) if mapped is not None else address


@lru_cache(_REMEMBERED)
def client_of(address: str) -> str:
    """Return the key to count a client under: its IPv4 address, or the /64 of its IPv6 address.

    An IPv4 address that is embedded in IPv6, by mapping or by 6to4, counts as IPv4. A text that is
    not an address is returned unchanged.
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
