"""`sais queue` in this process, on the database of the environment."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from sais.catalog import batches
from sais.catalog.accounts import get_account
from sais.catalog.database import open_database, reading, writing
from sais.catalog.threaded import ThreadedDatabase
from sais.catalog.turns import Share, ask_for_turn
from sais.cli.orders import Sent
from sais.cli.output import note
from sais.configuration import Configuration
from sais.dispatch import Submitted, open_batch
from sais.errors import InputError, MediaError, PrefectUnavailable
from sais.fetching import Guard
from sais.intake import Intake
from sais.manifests import read_manifest
from sais.reading import batch_rows, batch_status
from sais.runs import PrefectApi, PrefectSettings, Runs
from sais.settings import Settings
from sais.submission import submit
from sais.upload import UploadOrder
from sais_models import Account, Batch, Lane

POLL_SECONDS = 1.0


class Here:
    """Raises InputError and its kin for what cannot be taken."""

    def __init__(self, engine: Engine, settings: Settings, account: Account) -> None:
        self._engine, self._settings, self._account = engine, settings, account
        self._guard = Guard(settings.allow_hosts)

    def send_urls(self, urls: Sequence[str], presets: Sequence[str]) -> Sent:
        images = [Submitted(url) for url in urls]
        with writing(self._engine) as connection:
            submission = submit(connection, self._account, images, guard=self._guard, presets=presets)
        return self._started(submission.batch, submission.pending)

    def send_manifest(self, manifest: str, presets: Sequence[str]) -> Sent:
        """It is checked by its first piece, and read by the run."""
        address = manifest if "://" in manifest else str(Path(manifest).absolute())
        next(read_manifest(address))
        with writing(self._engine) as connection:
            batch = open_batch(connection, self._account, presets=presets, manifest=address)
        return self._started(batch, 1)

    def send_file(self, path: Path, presets: Sequence[str]) -> Sent:
        configuration = Configuration.from_settings(self._settings)
        intake = Intake(ThreadedDatabase(self._engine), configuration, self._guard)
        try:
            submission = asyncio.run(intake.take_local(self._account, path, UploadOrder(presets)))
        except MediaError as error:
            words = "" if str(error) == error.reason else f": {error}"
            raise InputError(f"{path}: {error.reason}{words}", field="path") from error
        sent = self._started(submission.batch, submission.pending)
        with reading(self._engine) as connection:
            rows = batch_rows(connection, submission.batch, public_url=self._settings.public_url)
        return Sent(sent.batch, [row.body() for row in rows])

    def sums(self, batch: int) -> dict[str, Any]:
        with reading(self._engine) as connection:
            return batch_status(connection, batch).body()

    def watch(self, batch: int) -> Iterator[dict[str, Any]]:
        while True:
            sums = self.sums(batch)
            yield sums
            if sums["settled"]:
                return
            time.sleep(POLL_SECONDS)

    def _started(self, batch: Batch, pending: int) -> Sent:
        """What is in the quick lane its runner takes by itself, or the sweep."""
        if pending and not (batch.lane == Lane.QUICK and self._settings.quick_images):
            start_run(self._engine, batch)
        return Sent(batch.id or 0)


@contextmanager
def opened(settings: Settings, root: str) -> Iterator[Here]:
    """Raises UnknownAccount."""
    engine = open_database(settings.effective_database_url)
    try:
        with reading(engine) as connection:
            account = get_account(connection, root)
        yield Here(engine, settings, account)
    finally:
        engine.dispose()


def start_run(engine: Engine, batch: Batch) -> None:
    """The batch is in the database already: without Prefect it waits for the sweep, and for its turn when its account
    has as many runs as it may."""
    with writing(engine) as connection:
        if not ask_for_turn(connection, batch, Share.of(Settings())):
            note(f"batch {batch.id} waits until another run of {batch.root} ends")
            return
    try:
        run = asyncio.run(_start_run(batch))
    except PrefectUnavailable as error:
        note(f"batch {batch.id} is accepted, but no run started; the sweep takes it up: {error}")
        return
    with writing(engine) as connection:
        batches.change_batch(connection, batch.id or 0, flow_run_id=run)


async def _start_run(batch: Batch) -> str:
    async with PrefectApi(PrefectSettings.or_embedded()) as api:
        return await Runs(api).start(batch)
