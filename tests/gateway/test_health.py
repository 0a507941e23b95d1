import pytest

from gateway.health import Health
from sais.configuration import Configuration
from sais.overview import Queue
from sais.runs import PrefectApi, PrefectSettings
from sais.settings import Settings
from tests.gateway.conftest import opened
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, url_of


async def test_okay_with_a_worker_and_what_waits(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(1), url_of(2), "nonsense"])
    answer = await stage.client.get("/status")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "okay",
        "detail": None,
        "worker": True,
        "database": "ok",
        "queue": {"batches": 1, "images": 2},
    }


async def test_stalled_before_the_deployments_are_made(stage: Stage, prefect: PrefectStub) -> None:
    prefect.deployed = 0
    body = (await stage.client.get("/status")).json()
    assert (body["status"], body["worker"]) == ("stalled", False)
    assert "no deployment ingest/ingest" in body["detail"]


@pytest.mark.parametrize("worker", [None, "OFFLINE"])
async def test_stalled_without_a_worker(stage: Stage, prefect: PrefectStub, worker: str | None) -> None:
    prefect.worker = worker
    body = (await stage.client.get("/status")).json()
    assert (body["status"], body["worker"]) == ("stalled", False)
    assert "no worker of the work pool sais" in body["detail"]


async def test_the_pool_is_the_environments(
    settings: Settings, prefect: PrefectStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAIS_WORK_POOL", "fast")
    async with opened(Configuration.from_settings(settings), PrefectSettings(api_url=prefect.url)) as stage:
        assert "no work pool fast" in (await stage.client.get("/status")).json()["detail"]


async def test_stalled_without_prefect(settings: Settings) -> None:
    async with opened(
        Configuration.from_settings(settings), PrefectSettings(api_url="http://127.0.0.1:9/api")
    ) as stage:
        answer = await stage.client.get("/status")
    assert (answer.status_code, answer.json()["status"], answer.json()["worker"]) == (200, "stalled", False)
    assert "cannot be reached" in answer.json()["detail"]


async def test_many_ask_and_prefect_is_asked_once(stage: Stage, prefect: PrefectStub) -> None:
    for _ in range(5):
        await stage.client.get("/status")
    assert len(prefect.asked) == len(set(prefect.asked))


async def test_busy_when_much_waits(prefect: PrefectStub) -> None:
    async def much() -> Queue:
        return Queue(batches=3, images=50_000)

    async with PrefectApi(PrefectSettings(api_url=prefect.url)) as api:
        assert (await Health(api, much).status()).status == "busy"


async def test_blocked_without_the_database(stage: Stage) -> None:
    place = stage.state.settings.home / "sais.db"
    await stage.state.database.write(lambda connection: connection.exec_driver_sql("ALTER TABLE batch RENAME TO gone"))
    answer = await stage.client.get("/status")
    assert place.exists()
    assert (answer.status_code, answer.json()["status"], answer.json()["queue"]) == (503, "blocked", None)
