import pytest

from sais.errors import PrefectUnavailable
from sais.runs import PrefectApi, PrefectSettings, Runs
from sais_models import Batch
from tests.gateway.prefect_stub import PrefectStub

BATCH = Batch(id=7, root="museum", presets=["small"])


async def test_a_busy_server_is_asked_again_and_the_deployment_only_once(prefect: PrefectStub) -> None:
    async with PrefectApi(PrefectSettings(api_url=prefect.url)) as api:
        runs = Runs(api)
        prefect.faults = [503] * 7
        first = await runs.start(BATCH)
        prefect.faults = [503, 429]
        assert await runs.start(BATCH) == first
        await runs.start(Batch(id=8, root="museum", presets=[]))
    assert [method for method, _ in prefect.asked] == ["GET"] * 8 + ["POST"] * 5
    assert len(prefect.runs) == 2


async def test_a_batch_of_a_new_database_with_an_old_id_gets_its_own_run(prefect: PrefectStub) -> None:
    async with PrefectApi(PrefectSettings(api_url=prefect.url)) as api:
        runs = Runs(api)
        former = await runs.start(BATCH)
        assert await runs.start(Batch(id=7, root="museum", presets=["small"])) != former


async def test_a_deployment_made_anew_is_found_again(prefect: PrefectStub) -> None:
    async with PrefectApi(PrefectSettings(api_url=prefect.url)) as api:
        runs = Runs(api)
        await runs.start(BATCH)
        prefect.deployed = 2
        await runs.start(Batch(id=8, root="museum", presets=[]))
    assert len(prefect.runs) == 2


@pytest.mark.parametrize("faults", [[500] * 5, [401]])
async def test_a_server_that_says_no_is_unavailable(prefect: PrefectStub, faults: list[int]) -> None:
    prefect.faults = faults
    async with PrefectApi(PrefectSettings(api_url=prefect.url)) as api:
        with pytest.raises(PrefectUnavailable, match=str(faults[0])):
            await Runs(api).start(BATCH)
    assert prefect.faults == []


async def test_a_server_that_stays_busy_is_not_asked_for_ever(
    prefect: PrefectStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sais.runs.starting.START_SECONDS", 0.2)
    prefect.faults = [503] * 1000
    async with PrefectApi(PrefectSettings(api_url=prefect.url)) as api:
        with pytest.raises(PrefectUnavailable, match="no run within"):
            await Runs(api).start(BATCH)
    assert prefect.faults


async def test_no_deployment_is_said_so(prefect: PrefectStub) -> None:
    prefect.deployed = 0
    async with PrefectApi(PrefectSettings(api_url=prefect.url)) as api:
        with pytest.raises(PrefectUnavailable, match="no deployment ingest/ingest"):
            await Runs(api).start(BATCH)


async def test_credentials_come_from_prefects_own_variables(
    prefect: PrefectStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:pass:word")
    async with PrefectApi(PrefectSettings()) as api:
        await Runs(api).start(BATCH)
    assert set(prefect.authorization) == {"Basic YWRtaW46cGFzczp3b3Jk"}
    monkeypatch.delenv("PREFECT_API_AUTH_STRING")
    monkeypatch.setenv("PREFECT_API_KEY", "pnu_1")
    async with PrefectApi(PrefectSettings()) as api:
        await Runs(api).start(BATCH)
    assert prefect.authorization[-1] == "Bearer pnu_1"


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"api_url": "http://prefect:4200/api"}, "http://prefect:4200/runs/flow-run/1"),
        (
            {"api_url": "http://prefect:4200/api", "ui_url": "https://see.example/"},
            "https://see.example/runs/flow-run/1",
        ),
        ({}, None),
    ],
)
async def test_where_people_see_a_run(prefect: PrefectStub, settings: dict[str, str], url: str | None) -> None:
    async with PrefectApi(PrefectSettings(**settings)) as api:  # type: ignore[arg-type]
        assert Runs(api).url_of("1") == url
