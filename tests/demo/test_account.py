"""The demo's account survives the demo, and a lost key is no dead end."""

import stat
from pathlib import Path

import pytest

from sais.demo.account import DemoAccount, open_account, save
from tests.client.stub_gateway import StubGateway


def test_made_once_then_kept(url: str, tmp_path: Path, gateway: StubGateway) -> None:
    first = open_account(url, tmp_path)
    assert first == DemoAccount("demo", *gateway.accounts["demo"])
    assert open_account(url, tmp_path) == first
    assert list(gateway.accounts) == ["demo"]


def test_the_key_is_readable_by_its_owner_only(url: str, tmp_path: Path) -> None:
    open_account(url, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["demo-account.json"]
    assert stat.S_IMODE((tmp_path / "demo-account.json").stat().st_mode) == 0o600


def test_a_lost_key_means_the_next_root(url: str, tmp_path: Path) -> None:
    open_account(url, tmp_path)
    (tmp_path / "demo-account.json").unlink()
    account = open_account(url, tmp_path)
    assert account.root == "demo-2"
    assert open_account(url, tmp_path) == account


@pytest.mark.parametrize("written", ["", "[]", "{}", '{"root": "demo"}', '{"api_key": 1, "colour": 2}'])
def test_a_spoilt_file_counts_as_lost(url: str, tmp_path: Path, written: str) -> None:
    (tmp_path / "demo-account.json").write_text(written)
    assert open_account(url, tmp_path).root == "demo"


def test_an_account_that_the_gateway_forgot_is_made_anew(url: str, tmp_path: Path, gateway: StubGateway) -> None:
    save(tmp_path / "demo-account.json", DemoAccount("demo-7", "old key", "old secret"))
    account = open_account(url, tmp_path)
    assert account == DemoAccount("demo-7", *gateway.accounts["demo-7"])


def test_a_key_that_no_longer_fits_means_another_root(url: str, tmp_path: Path) -> None:
    open_account(url, tmp_path)
    save(tmp_path / "demo-account.json", DemoAccount("demo", "old key", "old secret"))
    assert open_account(url, tmp_path).root == "demo-2"
