"""Names whose addresses are not what they seem. The lookup is ours, the guard and the connections are real."""

import socket
from collections.abc import Sequence
from itertools import chain, repeat
from pathlib import Path

import pytest

from sais.errors import RefusedHost, TransientMediaError
from sais.fetching import Fetcher, Guard, GuardedResolver, Lookup
from sais.fetching.resolver import AddressInfo
from sais.settings import Settings
from tests.support.origin import Origin
from tests.support.replies import Content, redirect

PUBLIC = "93.184.215.14"


def found(address: str, port: int) -> AddressInfo:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.SOCK_STREAM, 6, "", (address, port)


def names(**addresses: Sequence[Sequence[str]]) -> Lookup:
    """A name service: each name answers its lists in turn, the last one for ever."""
    answers = {name: chain(lists, repeat(lists[-1])) for name, lists in addresses.items()}

    async def lookup(host: str, port: int, family: int) -> Sequence[AddressInfo]:
        if host not in answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [found(address, port) for address in next(answers[host])]

    return lookup


async def test_every_address_is_judged() -> None:
    resolver = GuardedResolver(Guard(), names(mixed=[["10.0.0.1", PUBLIC, "::1", "fe80::1%lo"]]))
    (only,) = await resolver.resolve("mixed", 80)
    assert (only["host"], only["port"], only["family"]) == (PUBLIC, 80, socket.AF_INET)
    await resolver.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.1.2.3", "::1", "::ffff:10.0.0.1", "fd00::1"])
async def test_a_name_with_only_private_addresses_is_refused(address: str, tmp_path: Path) -> None:
    async with Fetcher(Settings(), resolve=names(inside=[[address]])) as fetcher:
        with pytest.raises(RefusedHost) as caught:
            await fetcher.fetch("http://inside/a.jpg?token=secret", tmp_path / "a")
        with pytest.raises(RefusedHost):
            await fetcher.post("http://inside/hook", b"{}", {})
    assert caught.value.reason == "refused_host"
    assert "secret" not in str(caught.value)


async def test_the_systems_own_lookup_is_guarded_too(origin: Origin, tmp_path: Path) -> None:
    url = origin.url("/a.jpg", "localhost")
    origin.serve("/a.jpg", Content(b"pixels"))
    async with Fetcher(Settings()) as fetcher:
        with pytest.raises(RefusedHost):
            await fetcher.fetch(url, tmp_path / "a")
    assert not origin.connections
    async with Fetcher(Settings(allow_hosts=("localhost",))) as fetcher:
        assert (await fetcher.fetch(url, tmp_path / "a")).size == 6


async def test_a_name_that_turns_private_after_the_check_is_refused(origin: Origin, tmp_path: Path) -> None:
    """Rebinding: public when first asked, loopback the next time. There is no second, unchecked lookup to win."""
    lookup = names(rebind=[[PUBLIC], ["127.0.0.1"]])
    resolver = GuardedResolver(Guard(), lookup)
    assert [result["host"] for result in await resolver.resolve("rebind", 80)] == [PUBLIC]
    await resolver.close()
    async with Fetcher(Settings(), resolve=lookup) as fetcher:
        with pytest.raises(RefusedHost):
            await fetcher.fetch(origin.url("/a.jpg", "rebind"), tmp_path / "a")
    assert not origin.connections


async def test_the_connection_goes_to_the_address_that_was_checked(origin: Origin, tmp_path: Path) -> None:
    """The name exists nowhere but in our lookup, and is asked there once: nothing resolves it again."""
    origin.serve("/a.jpg", Content(b"pixels"))
    lookup = names(pinned=[["127.0.0.1"], ["10.0.0.1"]])
    async with Fetcher(Settings(allow_hosts=("127.0.0.1",)), resolve=lookup) as fetcher:
        await fetcher.fetch(origin.url("/a.jpg", "pinned"), tmp_path / "a")
    assert origin.requests[0].headers["host"] == f"pinned:{origin.port}"


async def test_a_redirect_to_a_private_name_is_refused(origin: Origin, tmp_path: Path) -> None:
    origin.serve("/a.jpg", redirect("http://inside/admin"))
    lookup = names(shop=[["127.0.0.1"]], inside=[["10.0.0.1"]])
    async with Fetcher(Settings(allow_hosts=("shop",)), resolve=lookup) as fetcher:
        with pytest.raises(RefusedHost):
            await fetcher.fetch(origin.url("/a.jpg", "shop"), tmp_path / "a")


@pytest.mark.parametrize("lookup", [names(), names(nowhere=[[]])], ids=["unknown", "no addresses"])
async def test_a_name_without_addresses_is_worth_another_try(lookup: Lookup, tmp_path: Path) -> None:
    async with Fetcher(Settings(), resolve=lookup) as fetcher:
        with pytest.raises(TransientMediaError) as caught:
            await fetcher.fetch("http://nowhere/a.jpg", tmp_path / "a")
    assert caught.value.reason == "dns"
