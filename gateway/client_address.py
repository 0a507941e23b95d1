"""Who is at the other end: the peer, or whom a trusted proxy names."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope

Network = IPv4Network | IPv6Network


def networks_of(names: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ip_network(name) for name in names)


def client_address(scope: Scope, trusted: Sequence[Network]) -> str | None:
    """The last address of `X-Forwarded-For` that is no trusted proxy's: what stands before it, anybody can write.

    Without a trusted peer the header means nothing.
    """
    peer = scope["client"][0] if scope.get("client") else None
    if peer is None or not _is_in(peer, trusted):
        return peer
    told = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
    for name in reversed([name.strip() for name in told.split(",")]):
        if not _is_address(name):
            break
        if not _is_in(name, trusted):
            return name
        peer = name
    return peer


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
