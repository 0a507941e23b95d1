"""Guard: which URLs and which addresses may be asked at all. Pure; the network is in resolver.py."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_network

import httpx

from sais.errors import BadUrl, RefusedHost, SettingsError
from sais.fetching.addresses import Address, embedded_ipv4, is_public, literal_address

LONGEST_URL = 4096
LONGEST_HOST = 253
HIGHEST_PORT = 65_535
HOSTS_KEPT = 1_024

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.(?!-)[a-z0-9_-]{1,63})*")


class Guard:
    """`allow_hosts`: exact host names, addresses or networks (CIDR) that may be asked though not public.

    Raises SettingsError for an entry that is none of these.
    """

    def __init__(self, allow_hosts: Iterable[str] = ()) -> None:
        self._names: set[str] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        for entry in allow_hosts:
            self._allow(entry)
        # A host has thousands of images; what is said of it depends on nothing else. Errors are not kept.
        self._canonical = lru_cache(HOSTS_KEPT)(self._canonical_of)

    def _allow(self, entry: str) -> None:
        try:
            if "/" in entry:
                self._networks.append(ip_network(entry, strict=False))
                return
            host = entry.strip("[]") if entry.startswith("[") else entry
            if (address := literal_address(host)) is not None:
                self._networks.append(ip_network(address))
                return
            self._names.add(_allowed_name(entry))
        except (ValueError, BadUrl, httpx.InvalidURL):
            message = f"allow_hosts: {entry!r} is not a host name, an IP address or a network such as 10.0.0.0/8"
            raise SettingsError(message, field="allow_hosts") from None

    def check_url(self, url: str) -> httpx.URL:
        """The URL as it will be asked: host in ASCII or as a canonical address, without fragment. No network.

        Raises BadUrl (`bad_url`, `bad_scheme`, `url_too_long`) or, for an address that is not public, RefusedHost.
        """
        parsed = _parsed(url)
        host = parsed.raw_host.decode("ascii")
        canonical = self._canonical(host.rstrip("."))
        # Another parse takes as long as everything else here together.
        is_final = canonical == host and "#" not in url
        return parsed if is_final else parsed.copy_with(host=canonical, fragment=None)

    def _canonical_of(self, host: str) -> str:
        try:
            address = literal_address(host)
        except ValueError:
            raise BadUrl("bad_url", "the host is a number, but no address") from None
        if address is None:
            return _checked_name(host)
        if isinstance(address, IPv6Address) and address.scope_id:
            raise BadUrl("bad_url", "an address with a zone has a meaning only on one machine")
        if not self.permits(host, address):
            raise RefusedHost("refused_host", f"{address} is not a public address")
        return str(address)

    def permits(self, host: str, address: Address) -> bool:
        """Whether a connection to `address`, found under the name `host`, may be made."""
        return is_public(address) or host in self._names or self._in_networks(address)

    def _in_networks(self, address: Address) -> bool:
        inner = embedded_ipv4(address)
        return any(address in network or (inner is not None and inner in network) for network in self._networks)


def _parsed(url: str) -> httpx.URL:
    if len(url) > LONGEST_URL:
        raise BadUrl("url_too_long", f"{len(url)} characters, {LONGEST_URL} are the most")
    if _CONTROL.search(url):
        raise BadUrl("bad_url", "control characters in the URL")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        # The parser's own message may quote the URL, and with it a token: not chained.
        raise BadUrl("bad_url", "not a URL") from None
    if not parsed.scheme:
        raise BadUrl("bad_url", "not an absolute URL")
    if parsed.scheme not in {"http", "https"}:
        raise BadUrl("bad_scheme", f"{parsed.scheme[:20]} is neither http nor https")
    if not parsed.host or parsed.port == 0 or (parsed.port or 1) > HIGHEST_PORT:
        raise BadUrl("bad_url", "no host, or no such port")
    return parsed


def _allowed_name(entry: str) -> str:
    if set(entry) & set(":@/?#"):
        raise BadUrl("bad_url", "only a host name")
    return _checked_name(httpx.URL(f"http://{entry}/").raw_host.decode("ascii"))


def _checked_name(host: str) -> str:
    """Only letters that every parser reads alike: `%`, spaces or quotes in a host are how guards get fooled."""
    if len(host) > LONGEST_HOST or not _HOST_NAME.fullmatch(host):
        raise BadUrl("bad_url", "not a host name")
    return host
