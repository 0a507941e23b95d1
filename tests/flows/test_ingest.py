"""The ingest flow under a real Prefect server: states, names, tags, retries, artifacts, and blocks that are edited."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterName,
)
from prefect.client.schemas.objects import Artifact, FlowRun, TaskRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect_aws import MinIOCredentials
from prefect_aws.client_parameters import AwsClientParameters
from pydantic import SecretStr

from blocks.preset import SaisPreset
from blocks.storage import SaisStorage
from blocks.storage_address import ARCHIVE, CACHE
from flows.ingest import ingest
from sais.catalog.batches import recent_batches
from sais.settings import Settings
from sais.storage import open_storage
from sais_models import Batch
from sais_models.wire import BatchStatus
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content, Status, busy
from tests.support.s3 import S3Server
from tests.support.waiting import eventually

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("prefect_server")]

JPEG = encoded(quarters(), "JPEG")


@pytest.fixture
async def museum(settings: Settings, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Museum:
    """An installation as the flow's environment describes it."""
    monkeypatch.setenv("SAIS_HOME", str(settings.home))
    monkeypatch.setenv("SAIS_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("SAIS_CHUNK_IMAGES", "2")
    museum = Museum(settings)
    museum.callback = origin.url("/hook")
    async with museum.run():
        return museum


@asynccontextmanager
async def edited(
    document: SaisStorage | SaisPreset, name: str, default: SaisStorage | SaisPreset
) -> AsyncIterator[None]:
    """A block as an operator changes it in the UI, and back again."""
    await document.asave(name, overwrite=True)
    yield
    await default.asave(name, overwrite=True)


async def runs_of(client: PrefectClient, batch: int) -> tuple[FlowRun, list[TaskRun], list[Artifact]]:
    """Of the newest run of that name: tests share the server, and batches of each begin with 1."""
    named = FlowRunFilter(name=FlowRunFilterName(any_=[f"ingest-museum-b{batch}"]))
    [run] = await client.read_flow_runs(flow_run_filter=named, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=1)
    by_run = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
    artifacts = await client.read_artifacts(
        artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    )
    return run, await client.read_task_runs(flow_run_filter=by_run), artifacts


async def test_a_run_tells_by_names_tags_and_artifacts_what_it_did(museum: Museum, origin: Origin) -> None:
    urls = [origin.serve(f"/{n}.jpg", Content(JPEG)) for n in range(3)]
    gone = origin.serve("/gone.jpg?token=secret", Status(404))
    status: BatchStatus = await ingest("museum", urls=[*urls, gone], wait_for_webhooks=True)
    assert (status.done, status.failed, status.settled) == (3, 1, True)
    assert len(origin.wait_for_posts(4)) == 4
    async with get_client() as client:
        run, _, artifacts = await runs_of(client, status.id)
    assert {"account:museum", "lane:bulk"} <= set(run.tags)
    by_key = {artifact.key: artifact for artifact in artifacts}
    b = status.id
    assert set(by_key) == {f"{kind}-b{b}" for kind in ("progress", "page", "failures", "sheet", "summary")}
    assert by_key[f"progress-b{b}"].data == 100
    assert f"/ui/batches/{b}" in str(by_key[f"page-b{b}"].data)
    failures = str(by_key[f"failures-b{b}"].data)
    assert "http_404" in failures
    assert "127.0.0.1" in failures
    assert "secret" not in failures
    assert str(by_key[f"sheet-b{b}"].data).startswith("data:image/webp;base64,")
    assert "| 4 | 4 | 0 | 3 | 1 | 0 |" in str(by_key[f"summary-b{b}"].data)


async def test_names_of_task_runs_tell_account_batch_and_chunk(museum: Museum, origin: Origin) -> None:
    urls = [origin.serve(f"/{n}.jpg", Content(JPEG)) for n in range(3)]
    status: BatchStatus = await ingest("museum", urls=urls)
    expected = {
        f"{step}-museum-b{status.id}-c{chunk}"
        for step in ("download", "archive", "resize", "notify")
        for chunk in ("01", "02")
    }
    names = await task_names(status.id, at_least=len(expected) + 2)
    assert expected < names


async def task_names(batch: int, at_least: int) -> set[str]:
    """The server records task runs a moment after they ran: asks again until they are there."""
    names: set[str] = set()
    async with get_client() as client:

        async def all_recorded() -> bool:
            _, tasks, _ = await runs_of(client, batch)
            names.update(task.name for task in tasks)
            return len(tasks) >= at_least

        await eventually(all_recorded, f"{at_least} task runs")
    return names


async def test_prefect_tries_again_what_is_left_of_a_chunk(museum: Museum, origin: Origin) -> None:
    steady = origin.serve("/steady.jpg", Content(JPEG))
    shaky = origin.serve("/shaky.jpg", busy(), busy(), Content(JPEG))
    status: BatchStatus = await ingest("museum", urls=[steady, shaky])
    assert (status.done, status.failed) == (2, 0)
    assert (origin.hits["/steady.jpg"], origin.hits["/shaky.jpg"]) == (1, 3)


async def test_what_stays_transient_fails_with_a_retryable_reason_and_the_run_completes(
    museum: Museum, origin: Origin
) -> None:
    status: BatchStatus = await ingest("museum", urls=[origin.serve("/busy.jpg", busy())])
    assert (status.failed, status.reasons, status.settled) == (1, {"http_503": 1}, True)
    assert origin.hits["/busy.jpg"] == 4, "once and three retries"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"account": "nobody", "urls": ["http://a.example/"]}, "no account has the root"),
        ({"account": "museum", "urls": []}, "nothing to do"),
        ({"account": "museum", "urls": ["http://a.example/"], "presets": ["vast"]}, "unknown preset"),
        ({"account": "museum", "batch": 0}, "batch"),
        ({"account": "Not A Root", "urls": ["http://a.example/"]}, "account"),
    ],
    ids=str,
)
async def test_a_wrong_parameter_fails_at_once_and_says_what_is_right(
    museum: Museum, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(Exception, match=words):
        await ingest(**parameters)


async def test_a_presets_quality_edited_in_a_block_is_used_by_the_next_run(museum: Museum, origin: Origin) -> None:
    small = SaisPreset(width=192, height=192)
    first, second = (origin.serve(f"/{n}.jpg", Content(JPEG)) for n in "ab")
    await ingest("museum", urls=[first], presets=["small"])
    async with edited(SaisPreset(width=192, height=192, quality=5), "small", small):
        await ingest("museum", urls=[second], presets=["small"])
    sizes = await sizes_of(museum, first, second)
    assert sizes[second] < sizes[first]


async def sizes_of(museum: Museum, *urls: str) -> dict[str, int]:
    worked = await museum.ingest_urls(*urls, presets=["small"])
    return {row.original_url: row.thumb_data["small"].size for row in worked.rows}


async def test_the_storage_edited_in_a_block_is_used_by_the_next_run(
    museum: Museum, origin: Origin, s3_server: S3Server, s3_options: dict[str, Any], bucket: str
) -> None:
    credentials = MinIOCredentials(
        minio_root_user=s3_options["key"],
        minio_root_password=SecretStr(s3_options["secret"]),
        aws_client_parameters=AwsClientParameters(endpoint_url=s3_options["endpoint_url"]),
    )
    archive = SaisStorage(url=f"s3://{bucket}/originals", credentials=credentials)
    cache = SaisStorage(url=f"s3://{bucket}/thumbs", credentials=credentials)
    async with edited(archive, ARCHIVE, SaisStorage()), edited(cache, CACHE, SaisStorage()):
        await ingest("museum", urls=[origin.serve("/one.jpg", Content(JPEG))], presets=["tiny"])
    async with open_storage(f"s3://{bucket}", s3_options) as storage:
        found = {entry.path.split("/")[0]: entry async for entry in storage.list()}
        assert await storage.read(found["originals"].path) == JPEG
    assert set(found) == {"originals", "thumbs"}
    assert not list((museum.settings.home / "archive").rglob("*.jpg"))


async def test_an_archive_that_fails_fails_the_run_and_the_next_one_finishes(
    museum: Museum, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAIS_STORAGE_SECONDS", "0.5")
    url = origin.serve("/one.jpg", Content(JPEG))
    blocked = museum.settings.home / "blocked"
    blocked.mkdir()
    (blocked / "museum").write_text("a file where the account's folder should be")
    async with edited(SaisStorage(url=blocked.as_uri()), ARCHIVE, SaisStorage()):
        with pytest.raises(Exception, match=r"(?i)storage|archive|directory|folder"):
            await ingest("museum", urls=[url])
    batch = await latest_batch(museum)
    status: BatchStatus = await ingest("museum", batch=batch.id)
    assert (status.done, status.settled, origin.hits["/one.jpg"]) == (1, True, 1)


async def latest_batch(museum: Museum) -> Batch:
    async with museum.run() as resources:
        return (await resources.read(recent_batches, 1))[0]
