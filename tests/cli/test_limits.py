"""`sais limits`, and what `sais status` shows of them."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from sais.cli import app
from sais.errors import InputError, UnknownAccount
from sais.settings import Settings


@pytest.fixture
def account(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    run("register", "museum", "100")
    return "museum"


def run(*words: str) -> str:
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def told(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


def test_what_is_set_is_shown_and_the_rest_stays(account: str) -> None:
    nothing = {"images": None, "bytesPerDay": None, "queued": None}
    assert told("limits", account)["limits"] == nothing
    assert told("limits", account, "--images", "500", "--queued", "20")["limits"] == nothing | {
        "images": 500,
        "queued": 20,
    }
    shown = told("limits", account, "--images", "none", "--bytes-per-day", "1000000000000")
    assert shown == {
        "account": "museum",
        "limits": {"images": None, "bytesPerDay": 10**12, "queued": 20},
        "usage": {"images": 0, "bytesToday": 0, "queued": 0},
    }


def test_status_shows_the_accounts_that_have_limits(account: str) -> None:
    assert "Limits" not in run("status")
    run("limits", account, "--images", "500")
    assert "0 of 500" in run("status")
    [row] = told("status")
    assert row["limits"]["images"] == 500
    assert row["new"] == 0


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--images", "many", "neither a number nor `none`"),
        ("--queued", "-1", "a limit is 0 to"),
        ("--bytes-per-day", str(2**63), "a limit is 0 to"),
    ],
)
def test_what_is_no_limit_is_refused(account: str, option: str, value: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        CliRunner().invoke(app, ["limits", account, f"{option}={value}"], catch_exceptions=False)


def test_an_unknown_account_is_told(account: str) -> None:
    with pytest.raises(UnknownAccount):
        CliRunner().invoke(app, ["limits", "nobody", "--images", "5"], catch_exceptions=False)


def test_new_accounts_begin_with_the_limits_of_the_settings(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_ACCOUNT_IMAGES", "7")
    run("register", "museum", "100")
    assert told("limits", "museum")["limits"] == {"images": 7, "bytesPerDay": None, "queued": None}
