import sqlite3

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings
from tests.gateway.conftest import opened
from tests.gateway.stage import Stage, url_of

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def samples_of(stage: Stage) -> Samples:
    """By name and labels; the process id is nobody's business here."""
    answer = await stage.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted((k, v) for k, v in sample.labels.items() if k != "process"))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_what_the_database_holds(stage: Stage) -> None:
    hook = "https://client.example/hook"
    key = await stage.account(mediaCallbackUrl=hook)
    await stage.dispatch(key, [url_of(1), url_of(2), url_of(3), "nonsense"])
    await stage.finish(url_of(1), presets=("small", "medium"))
    await stage.fail(url_of(2), "http_404")
    found = await samples_of(stage)
    expected = {
        ("sais_media", (("account", "museum"), ("marking", "new"))): 1,
        ("sais_media", (("account", "museum"), ("marking", "resized"))): 1,
        ("sais_media", (("account", "museum"), ("marking", "failed"))): 1,
        ("sais_dispatched_images", (("outcome", "accepted"),)): 3,
        ("sais_dispatched_images", (("outcome", "rejected"),)): 1,
        ("sais_batches_open", ()): 1,
        ("sais_items_pending", ()): 1,
        ("sais_outbox", (("marking", "pending"),)): 2,
        ("sais_outbox", (("marking", "dead"),)): 0,
        ("sais_database_up", ()): 1,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert 0 < found["sais_oldest_open_batch_seconds", ()] < 60
    assert any(name == "sais_build_info" and dict(labels)["version"] for name, labels in found)


async def test_requests_by_the_template_of_their_path(stage: Stage) -> None:
    for path in ("/batches/1", "/batches/2", "/nowhere", "/no/where"):
        await stage.client.get(path)
    await stage.client.request("BREW", "/filters")
    found = await samples_of(stage)
    counted = {labels: value for (name, labels), value in found.items() if name == "sais_requests_total"}
    assert counted == {
        (("method", "GET"), ("route", "/batches/{batch_id}"), ("status", "401")): 2,
        (("method", "GET"), ("route", "(none)"), ("status", "404")): 2,
        (("method", "other"), ("route", "/filters"), ("status", "405")): 1,
    }
    assert found["sais_request_seconds_count", (("route", "/batches/{batch_id}"),)] == 2


async def test_reading_often_counts_once(stage: Stage) -> None:
    key = await stage.account()
    assert (await samples_of(stage))["sais_items_pending", ()] == 0
    await stage.dispatch(key, [url_of(1)])
    assert (await samples_of(stage))["sais_items_pending", ()] == 0, "told again, not counted again"


async def test_no_secret_and_no_address_is_told(stage: Stage) -> None:
    key = await stage.account(mediaCallbackUrl="https://client.example/hook?token=hush")
    answer = await stage.dispatch(key, [url_of(1) + "?token=hush"])
    assert answer.status_code == 200
    told = (await stage.client.get("/metrics")).text
    for secret in (key, "hush", "whsec_", "client.example", "photos.example"):
        assert secret not in told


async def test_without_its_database_it_says_so(stage: Stage, settings: Settings) -> None:
    with sqlite3.connect(settings.home / "sais.db") as direct:
        direct.execute("DROP TABLE delivery")
    direct.close()
    found = await samples_of(stage)
    assert found["sais_database_up", ()] == 0
    assert ("sais_items_pending", ()) not in found


@pytest.mark.parametrize(("password", "status"), [(None, 401), ("wrong", 401), ("let-me-in", 200)])
async def test_away_from_loopback_it_needs_the_token(settings: Settings, password: str | None, status: int) -> None:
    exposed = settings.model_copy(update={"host": "0.0.0.0", "registration_token": "let-me-in"})
    async with opened(Configuration.from_settings(exposed), PrefectSettings()) as stage:
        basic = ("prometheus", password) if password else None
        assert (await stage.client.get("/metrics", auth=basic)).status_code == status
