"""`sais rotate-key` and `sais bots` as a user types them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sais.accounts import account_of_key
from sais.catalog.database import open_database, reading
from sais.errors import Unauthorized
from tests.support.waiting import WAIT_SECONDS

PROJECT = Path(__file__).parents[2]
Sais = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def sais(tmp_path: Path) -> Sais:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SAIS_", "PREFECT_"))}

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "sais.cli", *arguments],
            cwd=PROJECT,
            env={**clean, "SAIS_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )

    return run


def test_a_lost_key_is_replaced(sais: Sais, tmp_path: Path) -> None:
    lost = json.loads(sais("register", "museum", "10", "--json").stdout)
    found = json.loads(sais("rotate-key", "museum", "--json").stdout)
    assert (found["root"], found["webhookSecret"]) == ("museum", None)
    with reading(open_database(f"sqlite:///{tmp_path}/sais.db")) as connection:
        assert account_of_key(connection, found["apiKey"]).root == "museum"
        with pytest.raises(Unauthorized):
            account_of_key(connection, lost["apiKey"])
    signing = sais("rotate-key", "museum", "--webhook-secret")
    assert "whsec_" in signing.stdout
    assert lost["webhookSecret"] not in signing.stdout
    nobody = sais("rotate-key", "nobody")
    assert (nobody.returncode, nobody.stdout) == (2, "")


def test_bad_bots_are_listed_added_and_removed(sais: Sais) -> None:
    assert sais("bots", "add", "network", "203.0.113.7/24", "--note", "too many questions").returncode == 0
    listed = json.loads(sais("bots", "list", "--scope", "network", "--json").stdout)
    assert [(rule["pattern"], rule["note"]) for rule in listed] == [("203.0.113.0/24", "too many questions")]
    assert "*.php" in sais("bots", "list").stdout
    assert sais("bots", "remove", "network", "203.0.113.0/24").returncode == 0
    again = sais("bots", "remove", "network", "203.0.113.0/24")
    assert (again.returncode, again.stdout) == (2, "")
    assert sais("bots", "add", "path", "/*").returncode == 2
