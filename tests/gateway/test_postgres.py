"""What PostgreSQL takes otherwise than SQLite: NUL in a text, numbers over 31 bits, times."""

from sais.configuration import Configuration
from sais.runs import PrefectSettings
from sais.settings import Settings
from tests.gateway.conftest import opened
from tests.gateway.prefect_stub import PrefectStub
from tests.gateway.stage import bearer, url_of


async def test_from_the_account_to_the_thumb(settings: Settings, prefect: PrefectStub, postgres_url: str) -> None:
    own = settings.model_copy(update={"database_url": postgres_url})
    async with opened(Configuration.from_settings(own), PrefectSettings(api_url=prefect.url)) as stage:
        key = await stage.account()
        images = [url_of(1), "https://a.example/\0x", {"url": url_of(2), "context": {"a\0": "\0"}}]
        answer = await stage.dispatch(key, images, filters=["small"])
        assert [row["marking"] for row in answer.json()] == ["new", "rejected", "new"]
        path = await stage.finish(url_of(1))
        await stage.fail(url_of(2), "http_404")
        sums = (await stage.client.get("/batches/1", headers=bearer(key))).json()
        assert (sums["done"], sums["failed"], sums["rejected"], sums["settled"]) == (1, 1, 1, True)
        assert (await stage.client.get(f"/media/cache/small/{path}")).content == b"picture"
        for address, status in (
            ("/", 200),
            ("/status", 200),
            ("/ui/batches/1?page=2147483647", 200),
            ("/media/cache/small/%00", 404),
            ("/fetch/media/%00", 404),
            ("/batches/2147483647", 404),
        ):
            assert (await stage.client.get(address, headers=bearer(key))).status_code == status, address
