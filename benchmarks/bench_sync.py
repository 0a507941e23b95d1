"""`sais sync` over many files: seconds, CPU and peak memory of the command's own process.

python -m benchmarks sync      BENCH_FILES=10000,100000,1000000   BENCH_S3=1 for a bucket of the test's own S3 server
"""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine

from benchmarks.corpus import bench_home
from benchmarks.table import markdown_table
from sais.accounts import set_up_account
from sais.addressing import code_of, path_of
from sais.catalog.bulk import Row, new_row
from sais.catalog.database import open_database, writing
from sais.catalog.media import add_media
from sais.fetching import Guard
from sais.storage import open_storage
from sais_models import Layout, Media, MediaMarking
from sais_models.wire import AccountSetup

ROOT = "museum"
BYTES = b"an original" * 10
# Of so many rows one has no file, and one another size; so many files have no row.
MISSING_EVERY = 1_000
OTHER_SIZE_EVERY = 2_500
ORPHANS = 200
TOGETHER = 20_000
# ext4 takes 65,000 links to a file.
LINKS = 60_000


@dataclass(frozen=True)
class Sync:
    files: int
    store: str
    round: str
    seconds: float
    cpu: float
    peak: int


def rows_of(files: int) -> Iterator[list[Row]]:
    template = new_row(Media, code="", root=ROOT, url="", marking=MediaMarking.RESIZED, mime_type="image/jpeg")
    for start in range(0, files, TOGETHER):
        piece = []
        for number in range(start, min(start + TOGETHER, files)):
            url = f"https://a.example/{number}.jpg"
            code = code_of(url, ROOT)
            size = len(BYTES) + (number % OTHER_SIZE_EVERY == 1)
            path = path_of(ROOT, code, Layout.OCTAL2, "jpg")
            piece.append({**template, "code": code, "url": url, "path": path, "size": size})
        yield piece


def stored_paths(files: int) -> Iterator[str]:
    number = 0
    for piece in rows_of(files):
        for row in piece:
            if number % MISSING_EVERY:
                yield row["path"]
            number += 1
    for orphan in range(ORPHANS):
        yield f"{ROOT}/{orphan % 64:02o}/orphan-{orphan}.jpg"


def fill_database(engine: Engine, files: int) -> None:
    with writing(engine) as connection:
        set_up_account(connection, AccountSetup(root=ROOT, approx=files, layout=Layout.OCTAL2), guard=Guard(), key=None)
    for piece in rows_of(files):
        with writing(engine) as connection:
            add_media(connection, piece)


def fill_folder(archive: Path, files: int) -> None:
    """Hard links to a few files: a million of them take no room but their names."""
    for directory in range(64):
        (archive / ROOT / f"{directory:02o}").mkdir(parents=True)
    source = archive
    for number, path in enumerate(stored_paths(files)):
        if number % LINKS == 0:
            source = archive.with_name(f"source-{number}")
            source.write_bytes(BYTES)
        os.link(source, archive / path)
    long_ago = time.time() - 86_400
    for source in archive.parent.glob("source-*"):
        os.utime(source, (long_ago, long_ago))


async def fill_bucket(url: str, options: dict[str, Any], files: int) -> None:
    async with open_storage(url, options) as storage:
        paths = stored_paths(files)

        async def write() -> None:
            for path in paths:
                await storage.write(path, BYTES, "image/jpeg")

        await asyncio.gather(*(write() for _ in range(32)))


def sync(environment: dict[str, str], files: int, store: str, name: str) -> Sync:
    """The command in a process of its own, which tells its peak memory when it ends."""
    program = (
        "import json, resource, sys, time; from sais.cli import app; start = time.perf_counter()\n"
        f"try: app(['sync', '{ROOT}', '--orphans-older-than', '0s', '--json'])\n"
        "finally:\n"
        " usage = resource.getrusage(resource.RUSAGE_SELF)\n"
        " spent = [time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss]\n"
        " print(json.dumps(spent), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    sums = json.loads(done.stdout)["sums"]
    wanted = {
        "archive missing": -(-files // MISSING_EVERY),
        "archive orphaned": ORPHANS,
        "archive size differs": len([n for n in range(1, files, OTHER_SIZE_EVERY) if n % MISSING_EVERY]),
        "files": files - -(-files // MISSING_EVERY) + ORPHANS,
    }
    if sums != wanted:
        sys.exit(f"found {sums}, not {wanted}")
    seconds, cpu, peak = json.loads(done.stderr.splitlines()[-1])
    return Sync(files, store, name, seconds, cpu, peak)


def measure(files: int, home: Path, environment: dict[str, str], store: str) -> list[Sync]:
    engine = open_database(f"sqlite:///{home / 'sais.db'}")
    fill_database(engine, files)
    engine.dispose()
    done = [sync(environment, files, store, name) for name in ("first", "again")]
    for each in done:
        print(markdown_table([], row_of(each)).splitlines()[-1], file=sys.stderr, flush=True)
    return done


def row_of(each: Sync) -> list[list[str]]:
    numbers = [f"{each.seconds:.1f}", f"{each.cpu:.1f}", f"{each.peak / 1024:.0f}"]
    return [[f"{each.files:,}", each.store, each.round, *numbers]]


@contextlib.contextmanager
def filled(files: int, home: Path) -> Iterator[tuple[dict[str, str], str]]:
    environment = {**os.environ, "SAIS_HOME": str(home)}
    if not os.environ.get("BENCH_S3"):
        fill_folder(home / "archive", files)
        yield environment, "folder"
        return
    from tests.support.s3 import running_s3

    with running_s3() as server:
        url = f"s3://{server.fresh_bucket()}/archive"
        asyncio.run(fill_bucket(url, server.options(), files))
        keys = {"AWS_ACCESS_KEY_ID": server.key, "AWS_SECRET_ACCESS_KEY": server.secret, "AWS_REGION": "us-east-1"}
        told = {"SAIS_ARCHIVE_URL": url, "SAIS_S3_ENDPOINT_URL": server.url, "AWS_DEFAULT_REGION": "us-east-1"}
        yield {**environment, **keys, **told}, "S3 (emulator)" if server.emulator else "S3 (Ceph RGW)"


def main() -> None:
    done: list[Sync] = []
    for files in map(int, (os.environ.get("BENCH_FILES") or "10000,100000,1000000").split(",")):
        with TemporaryDirectory(dir=bench_home(), prefix=".sync-") as name:
            home = Path(name) / "home"
            home.mkdir()
            with filled(files, home) as (environment, store):
                done += measure(files, home, environment, store)
            shutil.rmtree(home)
    head = ["files", "store", "sync", "seconds", "CPU s", "peak MB"]
    print(markdown_table(head, [row for each in done for row in row_of(each)]))


if __name__ == "__main__":
    main()
