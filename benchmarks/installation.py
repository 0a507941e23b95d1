"""A fresh installation of SAIS in a folder of its own, with an account, and the orders that runs get."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from sais.accounts import set_up_account
from sais.catalog.database import open_database, writing
from sais.catalog.presets import publish_presets
from sais.fetching import Guard
from sais.settings import Settings
from sais_models import DEFAULT_PRESETS, PresetSettings
from sais_models.wire import AccountSetup

ACCOUNT = "bench"
PRESETS = ("small", "medium")


class Installation:
    """Originals, archive and thumb cache under `home`, and SQLite there unless `database_url` says another; `callback`
    takes the webhooks; `presets` are published and ordered in place of small and medium."""

    def __init__(
        self,
        home: Path,
        callback: str | None,
        *,
        presets: Sequence[PresetSettings] = (),
        database_url: str | None = None,
    ) -> None:
        self.home = home
        self.presets = [preset.name for preset in presets] or list(PRESETS)
        # A host of one's own, asked as fast as it answers: at the usual 100 a second a run waits for its fourth chunk.
        self.environment = {"SAIS_HOME": str(home), "SAIS_ALLOW_HOSTS": "127.0.0.1", "SAIS_HOST_RATE": "0"}
        if database_url:
            self.environment["SAIS_DATABASE_URL"] = database_url
        settings = Settings(home=home, allow_hosts=("127.0.0.1",), database_url=database_url)
        self.database_url = settings.effective_database_url
        engine = open_database(self.database_url)
        setup = AccountSetup(root=ACCOUNT, media_callback_url=callback)
        with writing(engine) as connection:
            publish_presets(connection, (*DEFAULT_PRESETS, *presets))
            set_up_account(connection, setup, guard=Guard(settings.allow_hosts), key=None)
        engine.dispose()

    def write_order(self, urls: list[str]) -> Path:
        """The parameters of `ingest` as a file."""
        file = self.home / "order.json"
        file.write_text(json.dumps({"account": ACCOUNT, "urls": urls, "presets": self.presets}))
        return file

    def files(self) -> dict[str, int]:
        """Each original, archived original and thumb with its inode: one that is written again gets a new one."""
        folders = [self.home / name for name in ("originals", "archive", "cache")]
        return {
            os.path.join(root, name): os.stat(os.path.join(root, name)).st_ino  # noqa: PTH118, PTH116  thousands
            for folder in folders
            for root, _, names in os.walk(folder)
            for name in names
        }
