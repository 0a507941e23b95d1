"""`POST /retry` sends again what has failed, by its reasons, and nothing that succeeded."""

import pytest

from sais.addressing import code_of
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import Stage, bearer, url_of


def code(number: int) -> str:
    return code_of(url_of(number), "museum")


@pytest.fixture
async def key(stage: Stage) -> str:
    """1 is done; 2 and 3 have failed for reasons that may pass, 4 for good."""
    key = await stage.account()
    await stage.dispatch(key, [url_of(number) for number in (1, 2, 3, 4)], filters=["small"])
    await stage.finish(url_of(1))
    for number, reason in ((2, "http_503"), (3, "timeout"), (4, "http_404")):
        await stage.fail(url_of(number), reason)
    return key


@pytest.mark.parametrize(
    ("reasons", "numbers"), [([], [2, 3]), (["http_503"], [2]), (["http_4xx"], [4]), (["all"], [2, 3, 4])], ids=str
)
async def test_only_what_failed_for_the_reasons_is_sent_again(
    stage: Stage, prefect: PrefectStub, key: str, reasons: list[str], numbers: list[int]
) -> None:
    order = {"root": "museum", "reasons": reasons, "apiKey": key}
    last = max(code(number) for number in numbers)
    dry = (await stage.client.post("/retry", json={**order, "dryRun": True})).json()
    assert dry == {"found": len(numbers), "last": last, "batches": []}
    retried = (await stage.client.post("/retry", json=order)).json()
    [batch] = retried["batches"]
    sums = (await stage.client.get(f"/batches/{batch}", headers=bearer(key))).json()
    assert (sums["submitted"], sums["pending"]) == (len(numbers), len(numbers))
    assert {"account": "museum", "batch": batch} in [run["parameters"] for run in prefect.runs.values()]
    again = (await stage.client.post("/retry", json=order)).json()
    assert again == {"found": 0, "last": None, "batches": []}, "what is being tried has not failed"


async def test_piece_by_piece(stage: Stage, key: str) -> None:
    first, second = sorted([code(2), code(3)])
    order = {"root": "museum", "limit": 1, "dryRun": True}
    answer = (await stage.client.post("/retry", json=order, headers=bearer(key))).json()
    assert (answer["found"], answer["last"]) == (1, first)
    rest = (await stage.client.post("/retry", json=order | {"after": first}, headers=bearer(key))).json()
    assert (rest["found"], rest["last"]) == (1, second)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"reasons": ["http_9999"]}, 422),
        ({"reasons": "all"}, 422),
        ({"limit": 0}, 422),
        ({"after": "../etc"}, 422),
        ({"root": "nobody"}, 403),
        ({"apiKey": "wrong"}, 401),
    ],
)
async def test_bad_orders(stage: Stage, values: dict[str, object], status: int) -> None:
    key = await stage.account()
    answer = await stage.client.post("/retry", json={"root": "museum", "apiKey": key, **values})
    assert answer.status_code == status
