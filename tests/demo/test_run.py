"""The demo from start to verdict, against a stack that is the stub gateway in a process of its own."""

import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sais.demo import run_demo
from sais.demo.loopback import listening_socket
from sais.settings import Settings

STUB = (sys.executable, "-m", "tests.client.stub_gateway")
REPOSITORY = Path(__file__).parents[2]


def demo(home: Path, port: int = 0, webhook_seconds: float = 30) -> tuple[int, str]:
    shown = StringIO()
    code = run_demo(
        exit_when_done=True,
        settings=Settings(home=home, port=port),
        console=Console(file=shown, width=200),
        command=STUB,
        webhook_seconds=webhook_seconds,
    )
    return code, shown.getvalue()


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


def test_everything_as_expected(tmp_path: Path) -> None:
    code, shown = demo(tmp_path)
    assert code == 0, shown
    assert "all 33 photographs as expected" in shown
    assert "31 done, 2 failed, 0 rejected" in shown
    assert shown.count("✓ verified") == 33
    assert "failed (http_404)" in shown
    assert "failed (corrupt)" in shown
    assert "/ui/batches/1" in shown
    for name in ("the stack answers", "first thumbnail", "end"):
        assert f"{name} " in shown.split("From the start:")[1]


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("forged", "cat.png: no webhook with a valid signature"),
        ("dies", "the stack ended with code 1\nport 4200 is taken by somebody"),
    ],
)
def test_what_goes_wrong_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, complaint: str) -> None:
    monkeypatch.setenv("STUB_FAULT", fault)
    code, shown = demo(tmp_path, webhook_seconds=0.5)
    assert code == 1
    assert complaint in shown
    assert "as expected" not in shown


def test_a_taken_port_ends_it_at_once(tmp_path: Path) -> None:
    with listening_socket(0) as taken:
        code, shown = demo(tmp_path, taken.getsockname()[1])
    assert code == 1
    assert "is taken" in shown
    assert not (tmp_path / "demo-stack.log").exists()


def test_an_origin_port_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAIS_DEMO_ORIGIN_PORT", "eighty")
    code, shown = demo(tmp_path)
    assert code == 1
    assert "SAIS_DEMO_ORIGIN_PORT: 'eighty' is not a port" in shown


def test_a_setting_that_cannot_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAIS_PORT", "eighty")
    shown = StringIO()
    assert run_demo(exit_when_done=True, console=Console(file=shown, width=200), command=STUB) == 1
    assert "port" in shown.getvalue()
