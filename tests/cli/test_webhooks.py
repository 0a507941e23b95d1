"""`sais webhooks`, on this machine's database and at a gateway."""

import json
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from sais.addressing import code_of
from sais.catalog.bulk import table_of, update_rows
from sais.catalog.database import open_database, writing
from sais.cli import app
from sais.errors import GatewayRefused, InputError
from sais.settings import Settings
from sais.settling import settle
from sais_models import Delivery, DeliveryMarking, Media, MediaMarking


def run(*arguments: str) -> Any:
    ended = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


def make_dead_letter(database_url: str, code: str) -> None:
    engine = open_database(database_url)
    with writing(engine) as connection:
        update_rows(connection, Media, [{"code": code, "marking": MediaMarking.FAILED, "reason": "http_404"}])
        settle(connection, [code], public_url="http://gateway")
        connection.execute(update(table_of(Delivery)).values(marking=DeliveryMarking.DEAD, reason="http_500"))
    engine.dispose()


@pytest.fixture(params=["here", "gateway"])
def batch(request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """A batch of `museum` with one dead webhook."""
    if request.param == "gateway":
        request.getfixturevalue("gateway")
    else:
        monkeypatch.setenv("SAIS_HOME", str(settings.home))
    hook = ["--media-callback", "https://museum.example/hook"]
    monkeypatch.setenv("SAIS_API_KEY", run("register", "museum", "100", *hook)["apiKey"])
    sums = run("queue", "museum", "--url", "https://a.example/1.jpg")

    make_dead_letter(settings.effective_database_url, code_of("https://a.example/1.jpg", "museum"))
    return str(sums["id"])


def test_dead_ones_are_listed_and_replayed(batch: str) -> None:
    (row,) = run("webhooks", "list", "--root", "museum", "--batch", batch, "--since", "1h")
    assert (row["reason"], row["receiver"], row["marking"]) == ("http_500", "https://museum.example/hook", "dead")
    assert run("webhooks", "list", row["id"], "--receiver", "museum.example") == [row]
    assert run("webhooks", "list", "--until", "2026-01-01") == []
    assert run("webhooks", "list", "--receiver", "other.example") == []
    assert run("webhooks", "replay", "--since", "2100-01-01T00:00+01:00") == {"replayed": 0}
    assert run("webhooks", "replay", row["id"]) == {"replayed": 1}
    assert run("webhooks", "list") == []
    assert [again["id"] for again in run("webhooks", "list", "--marking", "pending")] == [row["id"]]


def test_a_table_for_people(batch: str) -> None:
    ended = CliRunner().invoke(app, ["webhooks", "list"], env={"COLUMNS": "250"})
    assert "1 dead" in ended.stdout
    assert "https://museum.example/hook" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--since", "yesterday"], "--since: 'yesterday' is no time"),
        (["--batch", "0"], "batch: Input should be greater than or equal to 1"),
        (["17"], "ids: String should match pattern"),
    ],
    ids=str,
)
def test_a_wrong_option_is_named(arguments: list[str], words: str) -> None:
    for command in ("list", "replay"):
        with pytest.raises(InputError, match=words):
            run("webhooks", command, *arguments)


def test_another_account_at_a_gateway_is_refused(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAIS_API_KEY", run("register", "museum", "100")["apiKey"])
    with pytest.raises(GatewayRefused):
        run("webhooks", "replay", "--root", "library")
