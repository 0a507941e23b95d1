"""CPU of a GET of 200 KB in the client: SAIS' fetcher beside the HTTP clients that there are.

python -m benchmarks fetch      BENCH_REQUESTS=500 and BENCH_ROUNDS=5
"""

import os
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.child import Child
from benchmarks.origin import Origin
from benchmarks.own_python import NotInstalled, own_python
from benchmarks.side_by_side import SideBySide
from benchmarks.sizes import ROUNDS, size
from benchmarks.table import markdown_table

REQUESTS = size("REQUESTS", 500, quick=40)
BODY_BYTES = 200_000
AT_ONCE = (8, 32, 64)
# The versions that SAIS has itself; httpx-aiohttp is none of its packages.
PACKAGES = [f"httpx=={version('httpx')}", f"aiohttp=={version('aiohttp')}", "httpx-aiohttp>=0.2"]


def open_ways(stack: ExitStack) -> dict[str, Child]:
    others = "benchmarks.other_fetching"
    ways = {
        "SAIS: guard, checksum, file": Child("benchmarks.sais_fetching", "sais"),
        "httpx.AsyncClient": Child(others, "httpx"),
        "aiohttp": Child(others, "aiohttp"),
    }
    try:
        ways["httpx over httpx-aiohttp"] = Child(others, "httpx-aiohttp", python=own_python("fetch", PACKAGES))
    except NotInstalled as error:
        print(f"httpx over httpx-aiohttp: {error}")
    return {name: stack.enter_context(child) for name, child in ways.items()}


def main() -> None:
    with TemporaryDirectory(prefix="sais-bench-") as name, ExitStack() as stack:
        files, work = Path(name) / "files", Path(name)
        files.mkdir()
        (files / "body.jpg").write_bytes(os.urandom(BODY_BYTES))
        files.chmod(0o755)
        origin = stack.enter_context(Origin(files, work))
        ways = open_ways(stack)
        orders = {
            f"{way} {at_once}": partial(
                child.ask,
                {"urls": origin.urls(["body.jpg"], REQUESTS + at_once), "at_once": at_once, "folder": name},
            )
            for at_once in AT_ONCE
            for way, child in ways.items()
        }
        done: SideBySide[float] = SideBySide(orders, rounds=ROUNDS)
        rows = [[way, *(f"{1000 * done.median(f'{way} {n}', float):.2f}" for n in AT_ONCE)] for way in ways]
        print(f"{REQUESTS} GETs of {BODY_BYTES:,} bytes; origin: {origin.name}. {done.conditions}\n")
        print(markdown_table(["CPU ms a request", *(f"{n} at once" for n in AT_ONCE)], rows))


if __name__ == "__main__":
    main()
