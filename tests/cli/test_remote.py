"""With SAIS_URL the commands go to a gateway, and leave nothing on this machine."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sais.cli import app
from sais.errors import GatewayRefused, InfrastructureError, InputError
from tests.support.pictures import encoded, quarters


def run(*arguments: str, code: int = 0) -> Any:
    ended = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert ended.exit_code == code, ended.output
    return json.loads(ended.stdout)


@pytest.fixture
def key(gateway: str, monkeypatch: pytest.MonkeyPatch) -> str:
    made = run("register", "museum", "5000")
    assert made["binCount"] == 64
    monkeypatch.setenv("SAIS_API_KEY", made["apiKey"])
    return str(made["apiKey"])


def test_register_queue_status_iterate(key: str, tmp_path: Path) -> None:
    sums = run("queue", "museum", "--url", "https://a.example/1.jpg", "--url", "ftp://a.example/2.jpg")
    assert (sums["submitted"], sums["rejected"], sums["pending"]) == (2, 1, 1)
    [line] = run("status", "museum")
    assert (line["account"], line["new"]) == ("museum", 1)
    assert run("status") == [line]
    manifest = tmp_path / "list.csv"
    manifest.write_text("url\nhttps://a.example/3.jpg\n")
    assert run("queue", "museum", "--manifest", str(manifest))["id"] == sums["id"] + 1
    assert run("register", "museum", "5000")["apiKey"] is None
    assert run("iterate", "museum") == {"account": "museum", "found": 0, "batches": [], "dryRun": False}
    assert not (tmp_path / "elsewhere").exists()


def test_cancel_and_retry(key: str, tmp_path: Path) -> None:
    batch = run("queue", "museum", "--url", "https://a.example/1.jpg")["id"]
    sums = run("cancel", str(batch))
    assert (sums["id"], sums["marking"], sums["cancelled"]) == (batch, "cancelled", 1)
    assert run("retry", "museum", "--reason", "all") == {
        "account": "museum",
        "found": 0,
        "batches": [],
        "dryRun": False,
    }
    with pytest.raises(GatewayRefused, match="http_9999"):
        run("retry", "museum", "--reason", "http_9999")
    assert not (tmp_path / "elsewhere").exists()


def test_files_of_this_machine_go_to_the_gateway(key: str, tmp_path: Path) -> None:
    picture = tmp_path / "photos" / "def.jpg"
    picture.parent.mkdir()
    picture.write_bytes(encoded(quarters(), "JPEG"))
    sums = run("queue", "museum", "--path", str(picture), "--preset", "tiny")
    [row] = sums["rows"]
    assert (sums["submitted"], sums["pending"], row["marking"]) == (1, 1, "archived")
    assert row["size"] == picture.stat().st_size
    assert (tmp_path / "archive" / row["path"]).read_bytes() == picture.read_bytes()
    assert not (tmp_path / "elsewhere").exists()
    (tmp_path / "words.jpg").write_text("no picture")
    with pytest.raises(GatewayRefused, match="not_image"):
        run("queue", "museum", "--path", str(tmp_path / "words.jpg"))


def test_waiting_tells_of_failures_by_the_exit_code(key: str) -> None:
    sums = run("queue", "museum", "--url", "ftp://a.example/2.jpg", "--wait", code=1)
    assert (sums["settled"], sums["rejected"]) == (True, 1)


def test_a_wrong_key_and_another_root_are_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GatewayRefused) as foreign:
        run("status", "library")
    assert foreign.value.status == 403
    monkeypatch.setenv("SAIS_API_KEY", "wrong")
    for command in (["status"], ["iterate", "museum"], ["queue", "museum", "--url", "https://a.example/1.jpg"]):
        with pytest.raises(GatewayRefused) as refused:
            run(*command)
        assert refused.value.status == 401


def test_a_manifest_in_a_bucket_is_nothing_that_can_be_sent(key: str) -> None:
    with pytest.raises(InputError, match="file of this machine"):
        run("queue", "museum", "--manifest", "s3://bucket/list.csv")


def test_no_gateway_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAIS_URL", "http://127.0.0.1:9")
    with pytest.raises(InfrastructureError, match="no answer"):
        run("status")
