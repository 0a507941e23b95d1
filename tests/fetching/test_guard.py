"""The guard: what may be asked, by URL and by address, without a network."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest
import yarl
from hypothesis import example, given
from hypothesis import strategies as st

from sais.errors import BadUrl, MediaError, RefusedHost, SettingsError
from sais.fetching import Guard

PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.5",
    "224.0.0.1",
    "255.255.255.255",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.1",
    "0177.1",
    "127.1",
    "127.0.0.1.",
    "[::]",
    "[::1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2002:c0a8:101::1]",
    "[2001:0:5ef5:79fd::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[100::1]",
    "[4000::1]",
]
PUBLIC = [
    "8.8.8.8",
    "172.32.0.1",
    "192.169.0.1",
    "100.128.0.1",
    "134744072",
    "[2606:4700::1111]",
    "[::ffff:8.8.8.8]",
    "[64:ff9b::8.8.8.8]",
    "[2002:808:808::1]",
]


@pytest.mark.parametrize("host", PRIVATE)
def test_addresses_that_are_not_public_are_refused(host: str) -> None:
    with pytest.raises(RefusedHost) as caught:
        Guard().check_url(f"http://{host}/a.jpg")
    assert caught.value.reason == "refused_host"
    assert not caught.value.retryable


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_pass(host: str) -> None:
    assert Guard().check_url(f"https://{host}:8443/a.jpg").port == 8443


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "bad_url"),
        ("12345", "bad_url"),
        ("images/a.jpg", "bad_url"),
        ("//a.example/a.jpg", "bad_url"),
        ("ftp://a.example/a.jpg", "bad_scheme"),
        ("file:///etc/passwd", "bad_scheme"),
        ("data:image/png;base64,AAAA", "bad_scheme"),
        ("javascript:alert(1)", "bad_scheme"),
        ("http://", "bad_url"),
        ("http:///a.jpg", "bad_url"),
        ("http://a.example:0/", "bad_url"),
        ("http://a.example:99999/", "bad_url"),
        ("http://a.example:x/", "bad_url"),
        ("http://[::1/", "bad_url"),
        ("http://[fe80::1%25eth0]/", "bad_url"),
        ("http://1.2.3.4.5/", "bad_url"),
        ("http://0177.0.0.1/", "bad_url"),
        ("http://999.1.1.1/", "bad_url"),
        ("http://%31%32%37.0.0.1/", "bad_url"),
        ("http://a..example/", "bad_url"),
        ("http://-a.example/", "bad_url"),
        (f"http://{'a' * 64}.example/", "bad_url"),
        ("http://a example/", "bad_url"),
        (" http://a.example/", "bad_url"),
        ("http://a.example/\r\nHost: b", "bad_url"),
        ("http://a.example/\x00", "bad_url"),
        ("http://a.example/\ud800", "bad_url"),
        ("http://①②⑦.⓪.⓪.①/", "bad_url"),
        ("http://a.example/" + "x" * 20_480, "url_too_long"),
    ],
)
def test_what_is_not_an_address_has_a_reason(url: str, reason: str) -> None:
    with pytest.raises(BadUrl) as caught:
        Guard().check_url(url)
    assert caught.value.reason == reason


def test_the_url_comes_back_as_it_will_be_asked() -> None:
    guard = Guard(["127.0.0.1"])
    assert str(guard.check_url("HTTP://Bücher.Example./ü?x=%2F#top")) == "http://xn--bcher-kva.example/%C3%BC?x=%2F"
    assert guard.check_url("http://user:secret@a.example/").host == "a.example"
    assert str(guard.check_url("http://0x7f.1:81/")) == "http://127.0.0.1:81/"
    assert guard.check_url("https://a.example/" + "x" * 4000).host == "a.example"


@pytest.mark.parametrize("secret", ["http://u:hunter2@a.example:x/", "http://10.0.0.1/?token=hunter2"])
def test_errors_keep_secrets(secret: str) -> None:
    with pytest.raises(MediaError) as caught:
        Guard().check_url(secret)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
        ("127.0.0.1", "http://2130706433/"),
        ("10.0.0.0/8", "http://10.200.3.4/"),
        ("10.0.0.1/8", "http://10.200.3.4/"),
        ("fd00::/8", "http://[fd12::1]/"),
        ("[::1]", "http://[::1]/"),
        ("::1", "http://[::1]/"),
    ],
)
def test_allowed_addresses_and_networks(allowed: str, url: str) -> None:
    Guard([allowed]).check_url(url)
    with pytest.raises(RefusedHost):
        Guard([allowed]).check_url("http://192.168.7.7/")


def test_an_allowed_name_may_have_any_address_and_no_other_name_may() -> None:
    guard = Guard(["Minio.local"])
    assert guard.permits("minio.local", ip_address("10.0.0.1"))
    assert not guard.permits("evil.minio.local", ip_address("10.0.0.1"))
    assert not guard.permits("minio.local.evil.example", ip_address("10.0.0.1"))


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "*.example.com", "a.example:80", "http://a.example", "", "a b"])
def test_an_entry_that_cannot_work_is_told(entry: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Guard([entry])
    assert caught.value.field == "allow_hosts"


private_ipv4 = st.sampled_from(
    ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]
).flatmap(lambda network: st.ip_addresses(v=4, network=network))


def spellings(address: IPv4Address) -> list[str]:
    number = int(address)
    high, low = divmod(number, 2**24)
    return [
        str(address),
        f"{address}.",
        str(number),
        hex(number),
        f"0{number:o}",
        f"{high}.{low}",
        f"0x{high:X}.{low}",
        f"[::ffff:{address}]",
        f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]",
        f"[64:ff9b::{address}]",
        f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]",
        f"[::{address}]",
    ]


@given(private_ipv4)
def test_no_spelling_of_a_private_address_passes(address: IPv4Address) -> None:
    for host in spellings(address):
        with pytest.raises(RefusedHost):
            Guard().check_url(f"http://{host}/")


@given(st.ip_addresses(v=6))
def test_no_ipv6_outside_the_global_block_passes(address: IPv6Address) -> None:
    if Guard().permits("x", address):
        assert address.ipv4_mapped or int(address) >> 125 == 1 or int(address) >> 32 == 0x64FF9B << 64


@given(st.ip_addresses(v=4))
def test_only_the_listed_ipv4_networks_are_refused(address: IPv4Address) -> None:
    if not Guard().permits("x", address):
        assert (
            not address.is_global
            or address in IPv4Network("192.0.0.0/24")
            or address.packed[0] >= 192
            or (str(address) == "168.63.129.16")
        )


@given(
    st.one_of(st.text(), st.text().map("http://".__add__), st.from_regex(r"https?://[^/]{0,40}/?[^?]*", fullmatch=True))
)
@example("http://ex\\@127.0.0.1/")
@example("http://a.example#@127.0.0.1/")
@example("http://127.0.0.1%2f@a.example/")
def test_any_text_gives_a_url_or_a_media_error_and_two_parsers_agree_on_its_host(text: str) -> None:
    """aiohttp parses the URL once more, with yarl: another reading of the host would go around the guard."""
    try:
        checked = Guard().check_url(text)
    except MediaError:
        return
    asked = yarl.URL(str(checked.copy_with(userinfo=b"")), encoded=True)
    assert (asked.scheme, asked.raw_host) == (checked.scheme, checked.raw_host.decode())
