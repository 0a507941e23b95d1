"""Golden addresses: these may never change, clients and archives hold them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sais.addressing import (
    DIRECTORIES,
    check_root,
    code_of,
    default_layout,
    path_of,
    stem_of,
    thumb_path,
    thumb_url,
)
from sais.errors import InputError
from sais_models import Layout

URL = "https://cdn.dummyjson.com/products/images/beauty/Powder%20Canister/1.png"
CODES = st.integers(0, 2**64 - 1).map("{:016x}".format)


def test_the_golden_code() -> None:
    assert code_of(URL, "test") == "b53470c4d6e0576d"


@pytest.mark.parametrize(
    ("layout", "path"),
    [
        (Layout.OCTAL2, "test/55/b53470c4d6e0576d.png"),
        (Layout.OCTAL3, "test/552/b53470c4d6e0576d.png"),
        (Layout.HEX22, "test/b5/34/70c4d6e0576d.png"),
    ],
)
def test_the_golden_paths(layout: Layout, path: str) -> None:
    assert path_of("test", "b53470c4d6e0576d", layout, "png") == path


def test_a_thumb_is_found_from_preset_and_path_alone() -> None:
    path = "test/55/b53470c4d6e0576d.png"
    assert thumb_path("small", path) == "small/test/55/b53470c4d6e0576d.png"
    assert thumb_url("https://sais.example/", "small", path) == f"https://sais.example/media/cache/small/{path}"


@given(CODES)
def test_octal_directories_are_the_top_bits(code: str) -> None:
    bits = f"{int(code, 16):064b}"
    assert stem_of("abc", code, Layout.OCTAL2) == f"abc/{int(bits[:6], 2):02o}/{code}"
    assert stem_of("abc", code, Layout.OCTAL3) == f"abc/{int(bits[:9], 2):03o}/{code}"


@pytest.mark.parametrize("layout", Layout)
@given(left=CODES, right=CODES)
def test_two_codes_never_share_a_path(layout: Layout, left: str, right: str) -> None:
    assert (stem_of("abc", left, layout) == stem_of("abc", right, layout)) == (left == right)


@pytest.mark.parametrize(("layout", "count"), [(Layout.OCTAL2, 64), (Layout.OCTAL3, 512)])
def test_every_directory_is_used(layout: Layout, count: int) -> None:
    directories = {stem_of("abc", f"{top << 52:016x}", layout).split("/")[1] for top in range(4096)}
    assert len(directories) == count == DIRECTORIES[layout]


@pytest.mark.parametrize(("approx", "layout"), [(0, Layout.OCTAL2), (10**6, Layout.OCTAL2), (10**6 + 1, Layout.OCTAL3)])
def test_the_layout_follows_the_expected_number(approx: int, layout: Layout) -> None:
    assert default_layout(approx) == layout


@pytest.mark.parametrize("root", ["abc", "0-a_b", "a" * 50])
def test_good_roots(root: str) -> None:
    assert check_root(root) == root


@pytest.mark.parametrize("root", ["", "ab", "a" * 51, "-abc", "_abc", "Abc", "a/b", "..", "abc\n", "äbc"])
def test_bad_roots_are_refused_by_the_field(root: str) -> None:
    with pytest.raises(InputError, match="root") as caught:
        check_root(root)
    assert caught.value.field == "root"
