"""Which IP addresses are public, and how a host of a URL spells one."""

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

# Our own list, from the IANA special-purpose registries: `ipaddress.is_global` changed its mind between 3.11.7 and
# 3.13, and calls 100::/64 or ::7f00:1 different things in each.
SPECIAL_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent: a public number that every guest reaches locally
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# 2001::/23 holds Teredo (2001::/32) and ORCHID: no web server lives there.
SPECIAL_IPV6 = tuple(IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "3fff::/20"))
GLOBAL_UNICAST_IPV6 = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")

_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")


def embedded_ipv4(address: Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv4-mapped, 6to4 or NAT64 one: that is where packets end."""
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def is_public(address: Address) -> bool:
    """Globally routable unicast."""
    inner = embedded_ipv4(address)
    if inner is not None:
        return is_public(inner)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in SPECIAL_IPV4)
    return address in GLOBAL_UNICAST_IPV6 and not any(address in network for network in SPECIAL_IPV6)


def literal_address(host: str) -> Address | None:
    """The address that `host` spells, None for a name; ValueError for a number that is no address.

    Decimal, octal, hex and short spellings (`2130706433`, `0177.1`, `0x7f.1`) count, read as the C library reads
    them: a connection to such a host never asks a resolver, so this is the only place to see them.
    """
    try:
        return ip_address(host)
    except ValueError:
        if not _NUMBER.fullmatch(host.rpartition(".")[2]):
            return None
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        raise ValueError(f"{host} is not an IPv4 address") from None
