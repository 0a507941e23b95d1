"""A batch of an installation in a folder, with a receiver and an origin: small, and real in every part."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployments.environment import PROJECT
from sais.demo.loopback import LoopbackServer
from sais.pipeline.plan import Order, plan_batch
from sais.pipeline.resources import open_resources
from sais.settings import Settings
from tests.chaos.books import Books, Places
from tests.chaos.client import Sent
from tests.chaos.receiver import application
from tests.chaos.seams import Switch
from tests.chaos.supply import NUMBER, Faults, FaultyOrigin, picture
from tests.chaos.verdict import Verdict, judge
from tests.support.batches import Museum

IMAGES = 4
# One that the origin does not have.
MISSING = "/nothing.jpg"
ENVIRONMENT = {"SAIS_ALLOW_HOSTS": "127.0.0.1", "SAIS_LEASE_SECONDS": "1", "SAIS_IMAGING_WORKERS": "1"}


@dataclass
class Stage:
    """`work` starts a process that works on the batch; it returns the process's exit code."""

    places: Places
    switch: Switch
    sent: Sent
    work: Callable[[], int]

    def verdict(self) -> Verdict:
        return judge(Books.of(self.places), [self.sent], _expected)


def _expected(url: str) -> bytes | None:
    match = NUMBER.search(url)
    return picture(int(match[1])) if match else None


@pytest.fixture
def chaos_origin() -> Iterator[FaultyOrigin]:
    with FaultyOrigin(Faults(seed=1, share=0.0)) as origin:
        yield origin


@pytest.fixture
async def stage(settings: Settings, chaos_origin: FaultyOrigin, tmp_path: Path) -> AsyncIterator[Stage]:
    inbox, switch = tmp_path / "inbox", Switch(tmp_path / "switch")
    inbox.mkdir()
    with LoopbackServer(application(inbox)) as receiver:
        museum = Museum(settings)
        museum.callback = f"{receiver.url}/hooks/museum"
        urls = [*(chaos_origin.url(f"/{number}.jpg") for number in range(IMAGES)), chaos_origin.url(MISSING)]
        async with open_resources(museum.configuration, "stage") as resources:
            account = await museum.set_up(resources, mediaCallbackUrl=museum.callback, batchCallbackUrl=museum.callback)
            (inbox / "museum.secret").write_text(account.webhook_secret or "")
            batch = (await plan_batch(resources, Order("museum", urls=urls, presets=["small"]))).batch.id or 0
        environment = os.environ | ENVIRONMENT | switch.environment(PROJECT) | {"SAIS_HOME": str(settings.home)}
        command = [sys.executable, "-m", "tests.chaos.one_batch", str(batch)]

        def work() -> int:
            return subprocess.run(command, cwd=PROJECT, env=environment, check=False, timeout=120).returncode

        places = Places(
            database_url=settings.effective_database_url,
            archive_url=settings.effective_archive_url,
            cache_url=settings.effective_cache_url,
            originals=settings.originals_dir,
            inbox=inbox,
        )
        yield Stage(places, switch, Sent("museum", batch, tuple(urls)), work)
