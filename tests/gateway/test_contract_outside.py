"""The contract's parts "Command line" and "Settings", as far as they concern the gateway, each row by its words."""

import pytest
import typer.main
from typer.core import TyperGroup

from sais.cli import app
from sais.settings import Settings

COMMANDS = {
    "up": set(),
    "demo": {"--exit"},
    "register": {"--json"},
    "queue": {"--url", "--path", "--manifest", "--preset", "--wait", "--json"},
    "status": {"--json"},
    "iterate": {"--batch", "--offset", "--limit", "--dry-run", "--json"},
    "doctor": {"--json"},
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_and_its_options(name: str) -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    options = {option for parameter in root.commands[name].params for option in parameter.opts}
    assert options >= COMMANDS[name]


def test_the_settings_and_their_defaults(settings: Settings) -> None:
    plain = Settings()
    assert plain.home.name == "var"
    assert (plain.max_bytes, plain.max_pixels, plain.allow_hosts) == (100_000_000, 100_000_000, ())
    assert (plain.registration_token, plain.database_url, plain.archive_url, plain.cache_url) == (None,) * 4
    assert plain.public_url == "http://127.0.0.1:8018"
    assert plain.effective_archive_url.endswith("/var/archive")
