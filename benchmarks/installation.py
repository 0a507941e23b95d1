"""A fresh installation of SAIS in a folder of its own, with an account, and the orders that runs get."""

import json
import os
from pathlib import Path

from sais.accounts import set_up_account
from sais.catalog.database import open_database, writing
from sais.fetching import Guard
from sais.settings import Settings
from sais_models.wire import AccountSetup

ACCOUNT = "bench"
PRESETS = ("small", "medium")


class Installation:
    """SQLite, originals, archive and thumb cache under `home`; `callback` takes the webhooks."""

    def __init__(self, home: Path, callback: str) -> None:
        self.home = home
        self.environment = {"SAIS_HOME": str(home), "SAIS_ALLOW_HOSTS": "127.0.0.1"}
        settings = Settings(home=home, allow_hosts=("127.0.0.1",))
        engine = open_database(settings.effective_database_url)
        setup = AccountSetup(root=ACCOUNT, media_callback_url=callback)
        with writing(engine) as connection:
            set_up_account(connection, setup, guard=Guard(settings.allow_hosts), key=None)
        engine.dispose()

    def write_order(self, urls: list[str]) -> Path:
        """The parameters of `ingest` as a file."""
        file = self.home / "order.json"
        file.write_text(json.dumps({"account": ACCOUNT, "urls": urls, "presets": list(PRESETS)}))
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
