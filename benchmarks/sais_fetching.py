"""GETs by SAIS' own fetcher: past the guard, hashed, written whole to a file; as fast as they go, like the others'.

Nothing is deleted between two rounds: ext4 looks at each inode that was freed in the last minutes for every new file,
which made a file four times as dear after a few rounds.

python -m benchmarks.sais_fetching sais      see child.py
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmarks.at_once import cpu_of_each
from benchmarks.child import serve
from sais.fetching import Fetcher
from sais.settings import Settings


async def by_sais(order: Mapping[str, Any]) -> float:
    at_once = order["at_once"]
    folder = Path(mkdtemp(dir=order["folder"]))
    settings = Settings(
        home=folder, allow_hosts=("127.0.0.1",), fetch_concurrency=at_once, host_concurrency=at_once, host_rate=0
    )
    async with Fetcher(settings) as fetcher:

        async def get(numbered: tuple[int, str]) -> None:
            # A file of its own, as in a run: ext4 puts one that replaces another on the disk at once.
            await fetcher.fetch(numbered[1], folder / str(numbered[0]))

        return await cpu_of_each(get, list(enumerate(order["urls"])), at_once)


if __name__ == "__main__":
    serve({"sais": lambda order: asyncio.run(by_sais(order))})
