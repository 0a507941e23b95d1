"""CPU of putting a file of 200 KB into a local folder and into S3: SAIS' storages beside others.

python -m benchmarks storage      BENCH_PUTS=500 and BENCH_ROUNDS=5; S3 needs Ceph (radosgw ceph-mon ceph-osd)
"""

from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.child import Child
from benchmarks.corpus import bench_home
from benchmarks.side_by_side import SideBySide
from benchmarks.sizes import ROUNDS, size
from benchmarks.storing import BODY_BYTES
from benchmarks.table import markdown_table
from tests.support.s3 import real_server_installed, running_s3

FILES = size("PUTS", 500, quick=40)
AT_ONCE = 32
LOCAL = {
    "local folder: SAIS, file by file": "sais",
    "local folder: SAIS, all in one call": "together",
    "local folder: shutil.copyfile in threads": "copy",
}
S3 = {
    "S3: SAIS, file by file": "sais",
    "S3: SAIS, all in one call": "together",
    "S3: obstore, asynchronous": "obstore",
    "S3: s3fs, asynchronous": "s3fs",
    "S3: boto3 in threads": "boto3",
}


def ways_of(stack: ExitStack, work: Path) -> dict[str, Callable[[], Any]]:
    numbers = count()

    def way(name: str, order: dict[str, Any]) -> Callable[[], Any]:
        child = stack.enter_context(Child("benchmarks.storing", name))
        return lambda: child.ask(order | {"prefix": f"run-{next(numbers)}"})

    usual = {"files": FILES, "at_once": AT_ONCE}
    ways = {shown: way(name, usual | {"url": work.as_uri()}) for shown, name in LOCAL.items()}
    if real_server_installed():
        server = stack.enter_context(running_s3())
        bucket = {"url": f"s3://{server.fresh_bucket()}", "options": server.options()}
        ways |= {shown: way(name, usual | bucket) for shown, name in S3.items()}
    else:
        print("S3 is left out: radosgw, ceph-mon and ceph-osd are not installed")
    return ways


def main() -> None:
    bench_home().mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=bench_home(), prefix=".run-") as work, ExitStack() as stack:
        done: SideBySide[float] = SideBySide(ways_of(stack, Path(work)), rounds=ROUNDS)
        rows = [[way, f"{1000 * done.median(way, float):.2f}"] for way in done.results]
        print(f"{FILES} files of {BODY_BYTES:,} bytes, {AT_ONCE} at once; CPU of the client. {done.conditions}\n")
        print(markdown_table(["", "CPU ms a file"], rows))


if __name__ == "__main__":
    main()
