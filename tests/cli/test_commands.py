"""The command line as a user types it: what it prints, where, and with which exit code."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deployments.environment import PROJECT
from tests.support.waiting import WAIT_SECONDS

Sais = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def sais(tmp_path: Path) -> Sais:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SAIS_", "PREFECT_"))}
    # Nothing listens on port 9: no run is started, the batch waits for the sweep.
    environment = {**clean, "SAIS_HOME": str(tmp_path), "PREFECT_API_URL": "http://127.0.0.1:9/api"}

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "sais.cli", *arguments],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )

    return run


def test_an_account_its_images_and_its_status(sais: Sais, tmp_path: Path) -> None:
    made = json.loads(sais("register", "museum", "5000", "--json").stdout)
    assert (made["root"], made["binCount"]) == ("museum", 64)
    assert made["webhookSecret"].startswith("whsec_")

    queued = sais("queue", "museum", "--url", "http://a.example/1.jpg", "--url", "ftp://a.example/2.jpg", "--json")
    assert queued.returncode == 0, queued.stderr
    sums = json.loads(queued.stdout)
    assert (sums["submitted"], sums["rejected"], sums["pending"]) == (2, 1, 1)
    assert "the sweep takes it up" in queued.stderr

    status = json.loads(sais("status", "museum", "--json").stdout)
    assert status == [{"account": "museum", "new": 1, "downloaded": 0, "archived": 0, "resized": 0, "failed": 0}]
    assert json.loads(sais("webhooks", "list", "--json").stdout) == []
    assert made["apiKey"].encode() not in (tmp_path / "sais.db").read_bytes(), "keys are kept as hashes"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["queue", "nobody", "--url", "http://a.example/1.jpg"], "no account has the root 'nobody'"),
        (["queue", "museum"], "give --url, --path or --manifest"),
        (["queue", "museum", "--manifest", "nowhere.csv"], "no account has the root 'museum'"),
        (["queue", "museum", "--path", "nowhere.jpg"], "nowhere.jpg is no file"),
        (["register", "No Root", "1"], "3 to 50 of a-z"),
        (["register", "museum", "many"], "approx"),
        (["status", "nobody"], "nobody"),
        (["fly"], "fly"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_clear_message_and_code_2(sais: Sais, arguments: list[str], words: str) -> None:
    ended = sais(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_register_needs_the_key(sais: Sais) -> None:
    key = json.loads(sais("register", "museum", "10", "--json").stdout)["apiKey"]
    assert sais("register", "museum", "10").returncode == 2
    again = sais("register", "museum", "10", "--key", key, "--json")
    assert json.loads(again.stdout)["apiKey"] is None
