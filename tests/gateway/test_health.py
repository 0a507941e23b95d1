"""`/status`, from what is really there: the database, the folders, and what Prefect says."""

import shutil
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection

from sais.addressing import code_of
from sais.catalog.bulk import new_row, update_rows
from sais.catalog.deliveries import add_deliveries
from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings
from sais_models import Batch, Delivery, DeliveryKind, DeliveryMarking, Media
from sais_models.columns import utc_now
from tests.gateway.conftest import opened
from tests.gateway.html_page import Page
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of


async def told(stage: Stage) -> dict[str, Any]:
    body: dict[str, Any] = (await stage.client.get("/status")).json()
    return body


async def queue(stage: Stage, images: int = 2, age: float = 0.0) -> None:
    """A batch that came `age` seconds ago."""
    key = await stage.account()
    await stage.dispatch(key, [url_of(number) for number in range(images)])
    came = {"id": 1, "created_at": utc_now() - timedelta(seconds=age)}
    await stage.state.database.write(lambda connection: update_rows(connection, Batch, [came]))


async def hold(stage: Stage, prefect: PrefectStub) -> None:
    """What a run does that is at work."""
    prefect.running = 1
    lease = {"leased_by": "run", "leased_until": utc_now() + timedelta(minutes=5)}
    row = {"code": code_of(url_of(0), "museum"), **lease}
    await stage.state.database.write(lambda connection: update_rows(connection, Media, [row]))


async def fail_deliveries(stage: Stage, count: int, attempts: int = 3) -> None:
    values = {"root": "museum", "batch_id": 1, "kind": DeliveryKind.MEDIA, "body": "{}", "attempts": attempts}
    values["receiver"] = "https://receiver.example"
    born = utc_now() - timedelta(seconds=50)
    url = "https://receiver.example/hook?token=hush"
    rows = [
        new_row(Delivery, id=f"msg_{n}", subject=str(n), url=url, reason="connect", created_at=born, **values)
        for n in range(count)
    ]
    await stage.state.database.write(add_deliveries, rows)


async def test_idle_is_okay(stage: Stage) -> None:
    answer = await stage.client.get("/status")
    assert answer.status_code == 200
    body = answer.json()
    assert 10 <= body.pop("heartbeatSeconds") < 60
    assert body == {
        "status": "okay",
        "detail": None,
        "idle": True,
        "worker": True,
        "database": "ok",
        "queue": {"batches": 0, "images": 0, "oldestSeconds": None, "slowAfterSeconds": None, "webhooks": 0},
        "problems": [],
    }
    assert "okay · idle" in Page((await stage.client.get("/")).text).text


async def test_working_is_okay_and_says_what_waits(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(1), url_of(2), "nonsense"])
    body = await told(stage)
    assert (body["status"], body["idle"]) == ("okay", False)
    assert (body["queue"]["batches"], body["queue"]["images"]) == (1, 2)
    assert body["queue"]["oldestSeconds"] >= 0


async def test_nothing_is_stalled_while_nothing_waits(stage: Stage, prefect: PrefectStub) -> None:
    prefect.worker = None
    body = await told(stage)
    assert (body["status"], body["idle"], body["worker"]) == ("okay", True, False)
    [problem] = body["problems"]
    assert (problem["kind"], problem["detail"]) == ("worker", "no worker of the work pool sais is online")


@pytest.mark.parametrize(
    ("stub", "words"),
    [
        (PrefectStub(worker=None), "no worker of the work pool sais"),
        (PrefectStub(worker="OFFLINE", heartbeat=400), "the last heartbeat was 400 s ago"),
        (PrefectStub(paused=True), "the work pool sais is paused"),
        (PrefectStub(deployed=0), "no deployment ingest/ingest"),
        (PrefectStub(polled=90), "no worker of the work pool sais takes from the queue default"),
        (PrefectStub(polled=None), "no worker of the work pool sais takes from the queue default"),
    ],
    ids=["no worker", "offline", "paused", "not deployed", "only the sweeper lives", "nobody has asked the queue yet"],
)
async def test_stalled_when_work_waits_and_nothing_takes_it(
    stage: Stage, prefect: PrefectStub, stub: Any, words: str
) -> None:
    prefect.worker, prefect.heartbeat, prefect.paused = stub.worker, stub.heartbeat, stub.paused
    prefect.deployed, prefect.polled = stub.deployed, stub.polled
    await queue(stage, age=70)
    body = await told(stage)
    assert (body["status"], body["worker"]) == ("stalled", False)
    assert words in body["detail"]
    assert "the oldest work has waited 7" in body["detail"]
    page = Page((await stage.client.get("/")).text).text
    assert "stalled · waiting: 2 images in 1 batches, the oldest for 7" in page


async def test_a_run_that_holds_images_is_taking_the_work(stage: Stage, prefect: PrefectStub) -> None:
    prefect.worker = None
    await queue(stage)
    await hold(stage, prefect)
    assert (await told(stage))["status"] == "okay"


@pytest.mark.parametrize("dead", ["its images are not held", "Prefect knows of its end"])
async def test_a_dead_run_takes_nothing(stage: Stage, prefect: PrefectStub, dead: str) -> None:
    prefect.worker = None
    await queue(stage)
    if dead == "its images are not held":
        prefect.running = 1
    else:
        await hold(stage, prefect)
        prefect.running = 0
    assert (await told(stage))["status"] == "stalled"


async def test_stalled_when_a_worker_polls_and_no_run_begins(stage: Stage) -> None:
    await queue(stage, age=301)
    body = await told(stage)
    assert (body["status"], body["worker"]) == ("stalled", True)
    assert "no run is in progress; the oldest work has waited 30" in body["detail"]


@pytest.mark.parametrize(("age", "word"), [(590, "okay"), (610, "slow")])
async def test_slow_is_ten_minutes_and_a_tenth_of_a_second_an_image(
    stage: Stage, prefect: PrefectStub, age: float, word: str
) -> None:
    await queue(stage, images=20, age=age)
    await hold(stage, prefect)
    body = await told(stage)
    assert (body["status"], body["queue"]["slowAfterSeconds"]) == (word, 602.0)
    if word == "slow":
        assert "more than 602 s is slow for 20 images" in body["detail"]


@pytest.mark.parametrize(("more", "word"), [(0, "okay"), (1, "busy")])
async def test_busy_when_much_waits(stage: Stage, more: int, word: str) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(number) for number in range(10_000)])
    if more:
        await stage.dispatch(key, [url_of(10_000)])
    body = await told(stage)
    assert (body["status"], body["queue"]["images"]) == (word, 10_000 + more)


async def test_the_pool_is_the_environments(
    settings: Settings, prefect: PrefectStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAIS_WORK_POOL", "fast")
    async with opened(Configuration.from_settings(settings), PrefectSettings(api_url=prefect.url)) as stage:
        assert "no work pool fast" in (await told(stage))["problems"][0]["detail"]


@pytest.mark.parametrize("waits", [False, True])
async def test_without_prefect_what_waits_is_blocked(settings: Settings, waits: bool) -> None:
    nowhere = PrefectSettings(api_url="http://127.0.0.1:9/api")
    async with opened(Configuration.from_settings(settings), nowhere) as stage:
        if waits:
            await queue(stage)
        answer = await stage.client.get("/status")
    body = answer.json()
    assert (answer.status_code, body["worker"]) == (200, False)
    assert body["status"] == ("blocked" if waits else "okay")
    assert (body["problems"][0]["kind"], body["queue"]["images"]) == ("prefect", 2 if waits else 0)
    assert "cannot be reached" in body["problems"][0]["detail"]


async def test_many_ask_and_prefect_is_asked_once(stage: Stage, prefect: PrefectStub) -> None:
    for _ in range(5):
        await stage.client.get("/status")
    assert len(prefect.asked) == len(set(prefect.asked))


async def test_blocked_by_a_place_that_cannot_be_written(stage: Stage) -> None:
    cache = stage.state.settings.home / "cache"
    shutil.rmtree(cache)
    cache.write_text("no folder")
    body = await told(stage)
    assert body["status"] == "blocked"
    [problem] = body["problems"]
    assert (problem["kind"], problem["subject"]) == ("storage", "thumb cache")
    assert body["detail"].startswith("thumb cache: ")
    page = Page((await stage.client.get("/")).text)
    assert "storage thumb cache: " in page.text


async def test_blocked_by_a_full_disk(settings: Settings, prefect: PrefectStub) -> None:
    """An original may be larger than any disk is: so not one more has room."""
    greedy = settings.model_copy(update={"max_bytes": 2**62})
    async with opened(Configuration.from_settings(greedy), PrefectSettings(api_url=prefect.url)) as stage:
        body = await told(stage)
    assert (body["status"], body["problems"][0]["kind"]) == ("blocked", "disk")
    assert "GB are free" in body["detail"]


async def test_blocked_by_receivers_when_only_they_are_waited_for(stage: Stage) -> None:
    await queue(stage, images=1)
    await fail_deliveries(stage, 3)
    body = await told(stage)
    assert (body["status"], body["queue"]["webhooks"]) == ("okay", 3)
    [problem] = body["problems"]
    assert (problem["kind"], problem["subject"]) == ("receiver", "receiver.example")
    assert problem["since"] >= 50
    assert problem["detail"] == "3 webhooks are not taken: connect"


async def test_a_dead_receiver_blocks_once_the_images_are_done(stage: Stage) -> None:
    await queue(stage, images=1)
    await stage.finish(url_of(0), presets=("small", "medium"))
    await fail_deliveries(stage, 3)
    body = await told(stage)
    assert (body["status"], body["detail"]) == ("blocked", "3 webhooks wait for receivers that do not take them")


async def test_a_webhook_that_failed_once_is_no_problem(stage: Stage) -> None:
    await queue(stage, images=1)
    await stage.finish(url_of(0), presets=("small", "medium"))
    await fail_deliveries(stage, 1, attempts=1)
    body = await told(stage)
    assert (body["status"], body["problems"], body["idle"]) == ("okay", [], False)


@pytest.mark.parametrize(("images", "reason", "found"), [(10, "timeout", 1), (9, "timeout", 0), (10, "http_404", 0)])
async def test_a_host_of_which_much_fails_is_listed(stage: Stage, images: int, reason: str, found: int) -> None:
    await queue(stage, images)
    for number in range(images):
        await stage.fail(url_of(number), reason)
    body = await told(stage)
    assert body["status"] == "okay"
    assert [(problem["kind"], problem["subject"]) for problem in body["problems"]] == [
        ("host", "photos.example")
    ] * found
    if found:
        assert body["problems"][0]["detail"] == "10 images failed within 600 s: timeout (10)"


async def test_blocked_without_the_database(stage: Stage) -> None:
    place = stage.state.settings.home / "sais.db"
    await stage.state.database.write(lambda connection: connection.exec_driver_sql("ALTER TABLE batch RENAME TO gone"))
    answer = await stage.client.get("/status")
    assert place.exists()
    body = answer.json()
    assert (answer.status_code, body["status"], body["database"]) == (503, "blocked", "unreachable")
    assert (body["queue"], body["problems"][0]["kind"]) == (None, "database")


async def test_strangers_learn_no_names(settings: Settings, prefect: PrefectStub) -> None:
    open_to_all = settings.model_copy(update={"host": "0.0.0.0", "registration_token": "open sesame"})
    async with opened(Configuration.from_settings(open_to_all), PrefectSettings(api_url=prefect.url)) as stage:
        prefect.worker = None
        [hidden] = (await told(stage))["problems"]
        assert (hidden["kind"], hidden["subject"], hidden["detail"]) == ("worker", None, None)
        for headers, auth in ((bearer("open sesame"), None), ({}, httpx.BasicAuth("me", "open sesame"))):
            answer = await stage.client.get("/status", headers=headers, auth=auth)
            assert "no worker" in answer.json()["problems"][0]["detail"]


async def test_metrics_say_the_same(stage: Stage, prefect: PrefectStub) -> None:
    prefect.worker = None
    await queue(stage)
    text = (await stage.client.get("/metrics")).text
    assert 'sais_status{status="stalled"} 1.0' in text
    assert 'sais_status{status="okay"} 0.0' in text
    assert 'sais_problems{kind="worker"} 1.0' in text


async def test_dead_deliveries_wait_for_nobody(stage: Stage) -> None:
    await queue(stage, images=1)
    await stage.finish(url_of(0), presets=("small", "medium"))
    await fail_deliveries(stage, 1)

    def give_up(connection: Connection) -> None:
        update_rows(connection, Delivery, [{"id": "msg_0", "marking": DeliveryMarking.DEAD}])

    await stage.state.database.write(give_up)
    body = await told(stage)
    assert (body["status"], body["idle"], body["problems"]) == ("okay", True, [])
