"""`DELETE /media/{code}`: its owner's key, one image, files and all."""

from datetime import timedelta

from sqlalchemy import Connection, update

from sais.addressing import code_of
from sais.catalog.bulk import table_of
from sais_models import Media
from sais_models.columns import utc_now
from tests.gateway.stage import Stage, bearer, url_of


async def test_the_owner_deletes_an_image(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(1)], filters=["small"])
    path = await stage.finish(url_of(1))
    code = code_of(url_of(1), "museum")
    assert (await stage.client.get(f"/media/cache/small/{path}")).status_code == 200
    answer = await stage.client.delete(f"/media/{code}", headers=bearer(key))
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await stage.client.get(f"/media/cache/small/{path}")).status_code == 404
    assert (await stage.client.get(f"/fetch/media/{code}", headers=bearer(key))).status_code == 404
    assert await stage.state.cache.size(f"small/{path}") is None
    assert (await stage.client.delete(f"/media/{code}", headers=bearer(key))).status_code == 404


async def test_nobody_else_does(stage: Stage) -> None:
    key, other = await stage.account(), await stage.account("gallery")
    await stage.dispatch(key, [url_of(1)])
    code = code_of(url_of(1), "museum")
    for headers, status in (({}, 401), (bearer("wrong"), 401), (bearer(other), 403)):
        answer = await stage.client.delete(f"/media/{code}", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    for nonsense in ("xyz", "0123456789abcdef"):
        assert (await stage.client.delete(f"/media/{nonsense}", headers=bearer(key))).status_code == 404
    assert (await stage.client.get(f"/fetch/media/{code}", headers=bearer(key))).status_code == 200


async def test_while_a_run_works_on_it_the_answer_is_409(stage: Stage) -> None:
    key = await stage.account()
    await stage.dispatch(key, [url_of(1)])
    await stage.state.database.write(lease_all)
    answer = await stage.client.delete(f"/media/{code_of(url_of(1), 'museum')}", headers=bearer(key))
    assert answer.status_code == 409
    assert int(answer.headers["retry-after"]) > 0


def lease_all(connection: Connection) -> None:
    connection.execute(update(table_of(Media)).values(leased_by="run", leased_until=utc_now() + timedelta(minutes=5)))
