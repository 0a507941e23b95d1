"""Files of 200 KB into a storage, by SAIS' storages and by what one would take otherwise.

python -m benchmarks.storing sais|together|copy|obstore|s3fs|boto3      see child.py
"""

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.at_once import cpu_of_each
from benchmarks.child import serve
from sais.storage import LocalFile, open_storage

BODY_BYTES = 200_000
TYPE = "image/jpeg"

Put = Callable[[str], Awaitable[object]]


async def by_sais(order: Mapping[str, Any], source: Path) -> float:
    async with open_storage(order["url"], order.get("options")) as storage:
        return await _timed(order, lambda path: storage.write_file(path, source, TYPE))


async def by_sais_together(order: Mapping[str, Any], source: Path) -> float:
    """As the pipeline archives a chunk: all files in one call, which a local folder may link."""
    at_once: int = order["at_once"]
    files = [LocalFile(path, source, TYPE) for path in _paths(order)]
    async with open_storage(order["url"], order.get("options")) as storage:
        await storage.write_files(files[:at_once])
        start = time.process_time()
        await storage.write_files(files[at_once:])
        return (time.process_time() - start) / (len(files) - at_once)


async def by_copy(order: Mapping[str, Any], source: Path) -> float:
    """`shutil.copyfile` in threads; nothing is flushed, and a file may be seen half written."""
    folder = Path(order["url"].removeprefix("file://"))

    def put(path: str) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / path)

    return await _in_threads(order, put)


async def by_obstore(order: Mapping[str, Any], source: Path) -> float:
    """The client alone: obstore reads the file itself, and nobody compares what was kept."""
    from obstore.store import S3Store

    options = order["options"]
    store = S3Store(
        order["url"].removeprefix("s3://"),
        endpoint=options["endpoint_url"],
        access_key_id=options["key"],
        secret_access_key=options["secret"],
        region="us-east-1",
        client_options={"allow_http": True},
    )

    async def put(path: str) -> None:
        await store.put_async(path, source, attributes={"Content-Type": TYPE}, use_multipart=False)

    return await _timed(order, put)


async def by_s3fs(order: Mapping[str, Any], source: Path) -> float:
    import s3fs

    bucket = order["url"].removeprefix("s3://")
    files = s3fs.S3FileSystem(asynchronous=True, skip_instance_cache=True, **order["options"])
    session = await files.set_session()
    try:
        return await _timed(order, lambda path: files._put_file(str(source), f"{bucket}/{path}", ContentType=TYPE))
    finally:
        await session.close()


async def by_boto3(order: Mapping[str, Any], source: Path) -> float:
    import boto3
    from botocore.config import Config

    options, bucket = order["options"], order["url"].removeprefix("s3://")
    client = boto3.client(
        "s3",
        endpoint_url=options["endpoint_url"],
        aws_access_key_id=options["key"],
        aws_secret_access_key=options["secret"],
        region_name="us-east-1",
        config=Config(max_pool_connections=order["at_once"]),
    )

    def put(path: str) -> None:
        client.put_object(Bucket=bucket, Key=path, Body=source.read_bytes(), ContentType=TYPE)

    return await _in_threads(order, put)


async def _in_threads(order: Mapping[str, Any], put: Callable[[str], None]) -> float:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(order["at_once"]) as threads:
        return await _timed(order, lambda path: loop.run_in_executor(threads, put, path))


async def _timed(order: Mapping[str, Any], put: Put) -> float:
    return await cpu_of_each(put, _paths(order), order["at_once"])


def _paths(order: Mapping[str, Any]) -> list[str]:
    return [f"{order['prefix']}/{n % 64:02x}/{n}.jpg" for n in range(order["files"] + order["at_once"])]


def _handler(way: Callable[[Mapping[str, Any], Path], Awaitable[float]]) -> Callable[[Any], Any]:
    async def work(order: Mapping[str, Any]) -> float:
        with TemporaryDirectory(prefix="sais-bench-") as folder:
            source = Path(folder) / "source.jpg"
            source.write_bytes(os.urandom(BODY_BYTES))
            return await way(order, source)

    return lambda order: asyncio.run(work(order))


if __name__ == "__main__":
    ways = {"sais": by_sais, "together": by_sais_together, "copy": by_copy}
    ways |= {"obstore": by_obstore, "s3fs": by_s3fs, "boto3": by_boto3}
    serve({name: _handler(way) for name, way in ways.items()})
