"""GETs by SAIS' own fetcher: past the guard, hashed, written whole to a file.

python -m benchmarks.sais_fetching sais      see child.py
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.at_once import cpu_of_each
from benchmarks.child import serve
from sais.fetching import Fetcher
from sais.settings import Settings


async def by_sais(order: Mapping[str, Any]) -> float:
    at_once = order["at_once"]
    with TemporaryDirectory(prefix="sais-bench-") as folder:
        settings = Settings(
            home=Path(folder), allow_hosts=("127.0.0.1",), fetch_concurrency=at_once, host_concurrency=at_once
        )
        async with Fetcher(settings) as fetcher:

            async def get(numbered: tuple[int, str]) -> None:
                # A file of its own, as in a run: ext4 puts one that replaces another on the disk at once.
                await fetcher.fetch(numbered[1], Path(folder) / str(numbered[0]))

            return await cpu_of_each(get, list(enumerate(order["urls"])), at_once)


if __name__ == "__main__":
    serve({"sais": lambda order: asyncio.run(by_sais(order))})
