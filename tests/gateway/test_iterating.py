"""`POST /iterate` finds what is unfinished, and nothing else, and sends it again in batches."""

import pytest
from sqlalchemy import Connection

from sais.addressing import code_of
from sais.catalog.bulk import new_row, update_rows
from sais.catalog.media import save_thumbs
from sais_models import Media, Thumb, ThumbMarking
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of

BOTH = ("small", "medium")


def code(number: int) -> str:
    return code_of(url_of(number), "museum")


def _let_pass(connection: Connection, codes: list[str]) -> None:
    update_rows(connection, Media, [{"code": code, "retryable": True} for code in codes])


def _fail_thumb(connection: Connection, code: str, reason: str) -> None:
    save_thumbs(connection, [new_row(Thumb, code=code, preset="medium", marking=ThumbMarking.FAILED, reason=reason)])


@pytest.fixture
async def key(stage: Stage) -> str:
    """Unfinished are 2 (no medium thumb), 4 (may pass) and 7 (no memory for a thumb)."""
    key = await stage.account()
    await stage.dispatch(key, [url_of(number) for number in (2, 6, 7)], filters=["small"])
    await stage.dispatch(key, [url_of(number) for number in (1, 3, 4)], filters=list(BOTH))
    await stage.finish(url_of(1), presets=BOTH)
    for number in (2, 6, 7):
        await stage.finish(url_of(number))
    await stage.fail(url_of(3), "http_404")
    await stage.fail(url_of(4), "timeout")
    await stage.state.database.write(_let_pass, [code(4)])
    await stage.state.database.write(_fail_thumb, code(6), "corrupt")
    await stage.state.database.write(_fail_thumb, code(7), "out_of_memory")
    await stage.dispatch(key, [url_of(5)])
    return key


async def test_only_what_is_unfinished_is_sent_again(stage: Stage, prefect: PrefectStub, key: str) -> None:
    order = {"root": "museum", "apiKey": key}
    unfinished = sorted(code(number) for number in (2, 4, 7))
    dry = (await stage.client.post("/iterate", json={**order, "dryRun": True})).json()
    assert dry == {"found": 3, "last": unfinished[-1], "batch": None}
    answer = await stage.client.post("/iterate", json=order)
    batch = answer.json().pop("batch")
    assert answer.headers["X-Sais-Batch"] == str(batch)
    sums = (await stage.client.get(f"/batches/{batch}", headers=bearer(key))).json()
    assert (sums["submitted"], sums["pending"]) == (3, 3)
    assert {"account": "museum", "batch": batch} in [run["parameters"] for run in prefect.runs.values()]
    again = (await stage.client.post("/iterate", json=order)).json()
    assert again == {"found": 0, "last": None, "batch": None}, "what waits in a batch is not sent twice"


async def test_piece_by_piece(stage: Stage, key: str) -> None:
    unfinished = sorted(code(number) for number in (2, 4, 7))
    order = {"root": "museum", "limit": 2, "apiKey": key, "dryRun": True}
    first = (await stage.client.post("/iterate", json=order)).json()
    assert (first["found"], first["last"]) == (2, unfinished[1])
    rest = (await stage.client.post("/iterate", json=order | {"after": first["last"]})).json()
    assert (rest["found"], rest["last"]) == (1, unfinished[2])
    late = (await stage.client.post("/iterate", json=order | {"offset": 2})).json()
    assert (late["found"], late["last"]) == (1, unfinished[2])


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"limit": 0}, 422),
        ({"limit": 10_001}, 422),
        ({"offset": -1}, 422),
        ({"offset": 10**30}, 422),
        ({"after": "../etc"}, 422),
        ({"root": "nobody"}, 403),
        ({"apiKey": "wrong"}, 401),
    ],
)
async def test_bad_orders(stage: Stage, values: dict[str, object], status: int) -> None:
    key = await stage.account()
    answer = await stage.client.post("/iterate", json={"root": "museum", "apiKey": key, **values})
    assert answer.status_code == status
