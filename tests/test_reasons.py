"""Every reason that SAIS writes on a row is explained."""

import ast
import re
from pathlib import Path

import pytest

import sais
from sais import errors
from sais.fetching.failures import REASONS
from sais.reasons import explain, known_reasons, passing_reasons

MEDIA_ERRORS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.MediaError)
}


def reasons_in(source: Path) -> set[str]:
    """The first argument of every MediaError that is raised there, as far as it is written out."""
    calls = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call) and node.args]
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id in MEDIA_ERRORS
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def test_every_reason_in_the_code_is_explained() -> None:
    written = {reason for source in Path(sais.__file__).parent.rglob("*.py") for reason in reasons_in(source)}
    assert {"bad_url", "corrupt", "too_big"} <= written
    assert (written | {reason for _, reason in REASONS} | {"read"}) <= set(known_reasons())


def test_every_explanation_says_what_and_what_to_do() -> None:
    for reason in [*known_reasons(), "http_404", "http_410", "http_503"]:
        found = explain(reason)
        assert found is not None
        assert re.fullmatch(r"[A-Z`].*\.", found.means)
        assert re.fullmatch(r"[A-Z`].*\.", found.remedy)


@pytest.mark.parametrize(("reason", "retryable"), [("http_503", True), ("http_404", False), ("dns", True)])
def test_what_may_pass(reason: str, retryable: bool) -> None:
    found = explain(reason)
    assert found is not None
    assert found.retryable is retryable
    assert not retryable or reason in passing_reasons() or reason.startswith("http_")


@pytest.mark.parametrize("word", ["", "http_", "http_999", "http_x", "bad_mood", "HTTP_404"])
def test_words_that_are_no_reasons(word: str) -> None:
    assert explain(word) is None
