"""What the documents name is there: commands, targets, settings, endpoints, files."""

import re
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from deployments.environment import PROJECT
from docs.generate import with_settings
from gateway import pages
from gateway.application import create_application
from sais.cli import app
from sais.configuration import Configuration
from sais.settings import Settings

DOCUMENTS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").rglob("*.md"))]
IDS = [str(document.relative_to(PROJECT)) for document in DOCUMENTS]


def commands_in(document: Path) -> list[str]:
    """The lines of its shell blocks, without their comments."""
    blocks = re.findall(r"```sh\n(.*?)```", document.read_text(), re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_every_make_target_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", "\n".join(commands_in(document)), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_every_sais_command_and_option_exists(document: Path) -> None:
    root = typer.main.get_command(app)
    for line in commands_in(document):
        if line.startswith("sais "):
            command, words = root, line.split()[1:]
            while isinstance(command, TyperGroup):
                command = command.commands[words.pop(0)]
            options = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= options, line


def test_every_module_that_is_started_exists() -> None:
    for document in DOCUMENTS:
        for module in re.findall(r"python -m ([a-z._]+)", document.read_text()):
            path = PROJECT / module.replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists() or module == "prefect.engine"


def test_every_setting_is_in_the_readme_as_the_code_has_it() -> None:
    readme = (PROJECT / "README.md").read_text()
    assert with_settings(readme) == readme, "run `make docs`"


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_every_setting_that_is_named_exists(document: Path) -> None:
    elsewhere = {"SAIS_WORK_POOL", "SAIS_PREFECT_PORT", "SAIS_BENCH_HOME"}
    known = {f"SAIS_{name.upper()}" for name in Settings.model_fields} | elsewhere
    assert set(re.findall(r"SAIS_[A-Z0-9_]+", document.read_text())) <= known


def test_every_endpoint_in_the_readme_exists(settings: Settings) -> None:
    application = create_application(Configuration.from_settings(settings))
    served = set(application.openapi()["paths"]) | {getattr(route, "path", "") for route in pages.router.routes}
    named = set(re.findall(r"http://127\.0\.0\.1:8018(/[a-z_/]+)", (PROJECT / "README.md").read_text()))
    assert named
    for path in named:
        assert any(route.startswith(path.rstrip("/")) for route in served), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=IDS)
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
        assert (document.parent / target).exists(), target
