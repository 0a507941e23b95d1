"""An account's outbox over HTTP: its dead webhooks, and sending them again."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, update

from sais.catalog.bulk import table_of
from sais_models import Delivery, DeliveryMarking
from tests.gateway.contract import check_problem
from tests.gateway.stage import Stage, bearer, url_of

HOOK = "https://museum.example/hook?key=secret"


def give_up(connection: Connection) -> None:
    connection.execute(update(table_of(Delivery)).values(marking=DeliveryMarking.DEAD, reason="http_500", attempts=11))


async def dead_letters(stage: Stage, root: str = "museum", count: int = 2) -> tuple[str, str]:
    """An account whose webhooks no receiver took; its key and its batch."""
    key = await stage.account(root, mediaCallbackUrl=HOOK)
    images = [url_of(number) for number in range(count)]
    batch = (await stage.dispatch(key, images, root)).headers["X-Sais-Batch"]
    return key, batch


async def test_dead_webhooks_are_listed_and_sent_again(stage: Stage) -> None:
    key, batch = await dead_letters(stage)
    await stage.fail(url_of(0), "http_404")
    await stage.fail(url_of(1), "http_404")
    assert (await stage.client.get("/webhooks", headers=bearer(key))).json() == []
    assert len((await stage.client.get("/webhooks?marking=pending", headers=bearer(key))).json()) == 2
    await stage.state.database.write(give_up)

    listed = (await stage.client.get(f"/webhooks?batch={batch}&limit=1", headers=bearer(key))).json()
    (row,) = listed
    assert (row["batch"], row["kind"], row["reason"], row["attempts"]) == (int(batch), "media", "http_500", 11)
    assert row["receiver"].startswith("https://museum.example/hook")
    assert "secret" not in row["receiver"]

    one = {"ids": [row["id"]]}
    assert (await stage.client.post("/webhooks/replay", json=one, headers=bearer(key))).json() == {"replayed": 1}
    assert (await stage.client.post("/webhooks/replay", json={"apiKey": key})).json() == {"replayed": 1}
    assert (await stage.client.post("/webhooks/replay", headers=bearer(key))).json() == {"replayed": 0}
    again = (await stage.client.get("/webhooks?marking=pending", headers=bearer(key))).json()
    assert {(found["attempts"], found["marking"]) for found in again} == {(0, "pending")}
    assert row["id"] in {found["id"] for found in again}, "the id stays"


async def test_by_time_and_receiver(stage: Stage) -> None:
    key, _ = await dead_letters(stage, count=1)
    await stage.fail(url_of(0), "http_404")
    await stage.state.database.write(give_up)
    now = datetime.now(UTC)
    before, after = (now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=1)).isoformat()
    for question, count in (
        ({"since": before, "until": after}, 1),
        ({"since": after}, 0),
        ({"until": before}, 0),
        ({"receiver": "museum.example"}, 1),
        ({"receiver": "https://museum.example"}, 1),
        ({"receiver": HOOK}, 1),
        ({"receiver": "https://museum.example/other"}, 0),
        ({"receiver": "other.example"}, 0),
    ):
        answer = await stage.client.get("/webhooks", params=question, headers=bearer(key))
        assert len(answer.json()) == count, question


async def test_an_account_sees_and_replays_only_its_own(stage: Stage) -> None:
    key, batch = await dead_letters(stage, count=1)
    await stage.fail(url_of(0), "http_404")
    await stage.state.database.write(give_up)
    other = await stage.account("library")
    assert (await stage.client.get(f"/webhooks?batch={batch}", headers=bearer(other))).json() == []
    assert (await stage.client.post("/webhooks/replay", json={}, headers=bearer(other))).json() == {"replayed": 0}
    check_problem(await stage.client.get("/webhooks"), 401)
    check_problem(await stage.client.post("/webhooks/replay", json={}), 401)
    assert len((await stage.client.get("/webhooks", headers=bearer(key))).json()) == 1


async def test_a_bad_question_names_its_field(stage: Stage) -> None:
    key = await stage.account()
    for query, field in (
        ("marking=lost", "marking"),
        ("limit=0", "limit"),
        ("since=yesterday", "since"),
        ("since=2026-11-25T08:00:00", "since"),
        ("batch=0", "batch"),
        ("ids=1", "ids"),
        ("colour=red", "colour"),
    ):
        answer = await stage.client.get(f"/webhooks?{query}", headers=bearer(key))
        assert check_problem(answer, 422)["errors"][0]["field"].startswith(field), query
