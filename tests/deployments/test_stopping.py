"""`sais up` is told to end while a batch of slow images is under way, and started again."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.database import open_database, reading
from sais.client import SaisClient
from sais.demo.loopback import LOOPBACK
from sais.demo.stack import Stack, stack_environment
from sais.settings import Settings
from sais_models import Media
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Late
from tests.support.waiting import WAIT_SECONDS, wait_for

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("prefect")]

IMAGES = 40


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """Four images at once; a minute to stop, because other tests share the processors."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SAIS_", "PREFECT_"))}
    gateway, prefect = free_ports(2)
    own = {"SAIS_PREFECT_PORT": str(prefect), "SAIS_FETCH_CONCURRENCY": "4", "SAIS_STOP_SECONDS": "60"}
    return stack_environment(settings, gateway, clean | own)


def held(settings: Settings) -> int:
    engine = open_database(settings.effective_database_url)
    with reading(engine) as connection:
        rows = connection.execute(select(table_of(Media).c.code).where(col(Media.leased_by).is_not(None))).all()
    engine.dispose()
    return len(rows)


def test_a_batch_goes_on_where_it_was_stopped(
    settings: Settings, environment: dict[str, str], origin: Origin, tmp_path: Path
) -> None:
    picture = Late(Content(encoded(quarters(), "JPEG")), 0.5)
    urls = [origin.serve(f"/{number}.jpg", picture) for number in range(IMAGES)]
    url = f"http://{LOOPBACK}:{environment['SAIS_PORT']}"
    with Stack(tmp_path / "first.log", environment) as stack:
        stack.wait_until_ready(url)
        with SaisClient(url, trust_env=False) as client:
            client.register("museum", 100)
            batch, key = client.dispatch(urls, ["tiny"]).batch, client.api_key
        wait_for(lambda: origin.hits.total() >= 6, "the first images")
        os.kill(stack.pid, signal.SIGTERM)
        wait_for(lambda: stack.code is not None, "the end")
        assert stack.code == 0
    first = (tmp_path / "first.log").read_text()
    assert "did not end in time" not in first
    assert held(settings) == 0
    assert origin.hits.total() < IMAGES, "it was stopped in the middle"

    with Stack(tmp_path / "second.log", environment) as stack:
        stack.wait_until_ready(url)
        with SaisClient(url, "museum", key, trust_env=False) as client:
            sums = client.wait(batch, timeout=WAIT_SECONDS)
    assert (sums["done"], sums["settled"]) == (IMAGES, True)
    assert {path: hits for path, hits in origin.hits.items() if hits != 1} == {}, "no image was fetched twice"
    assert "resume" not in (tmp_path / "second.log").read_text(), "the same run went on, without the sweep"
