"""What logs may say of a URL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sais.fetching import redact_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@a.example:8443/x.jpg?token=1#f", "https://a.example:8443/x.jpg"),
        ("http://u:p@ss@a.example/x", "http://a.example/x"),
        ("http://a.example/" + "x" * 500, "http://a.example/" + "x" * 183),
        ("http://a.example/\x1b[31m", "http://a.example/?[31m"),
        ("http://[::1", "(not a URL)"),
        ("secret", "(not a URL)"),
    ],
)
def test_only_scheme_host_and_path_are_shown(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@given(st.text())
def test_it_never_raises_and_never_breaks_a_line(text: str) -> None:
    assert len(redact_url(text).splitlines()) == 1
    assert len(redact_url(f"http://{text}")) <= 200
