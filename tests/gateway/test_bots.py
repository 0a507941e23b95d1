import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from gateway.access_log import AccessLog
from gateway.bot_guard import BotGuard
from gateway.metrics import Metrics
from sais.bots import BotRule, BotRules, BotScope, add_bot, list_bots, remove_bot
from sais.errors import InputError
from sais_models.columns import utc_now
from tests.gateway.stage import Stage, bearer

PROBES = ["/wp-login.php", "/.env", "/blog/.git/config", "/cgi-bin/luci", "//WP-ADMIN/setup.php", "/.env.production"]


@pytest.mark.parametrize("path", PROBES)
async def test_a_probe_is_refused_and_counted(stage: Stage, path: str) -> None:
    answer = await stage.client.get(f"http://gateway{path}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "application/problem+json")
    assert answer.headers["X-Request-Id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    told = (await stage.client.get("/metrics")).text
    assert 'sais_bad_bot_hits_total{process="' in told
    assert 'scope="path"} 1.0' in told


async def test_a_scanner_is_known_by_its_name(stage: Stage) -> None:
    agent = {"User-Agent": "Mozilla/5.0 (compatible; SQLMap/1.8)"}
    assert (await stage.client.get("/filters", headers=agent)).status_code == 403
    assert (await stage.client.get("/filters", headers={"User-Agent": "curl/8"})).status_code == 200


async def test_who_has_a_key_is_no_bad_bot(stage: Stage) -> None:
    key = await stage.account()
    assert (await stage.client.get("/.env", headers=bearer(key))).status_code == 404
    for wrong in (bearer("wrong"), {"Authorization": f"Basic {key}"}, {"Authorization": "Bearer "}):
        assert (await stage.client.get("/.env", headers=wrong)).status_code == 403


async def test_rules_are_edited_while_it_runs(stage: Stage) -> None:
    guarded = Starlette(routes=[Route("/filters", PlainTextResponse("here"))])
    guarded.state.gateway = stage.state
    metrics = Metrics()
    guarded.add_middleware(BotGuard, metrics=metrics, keep=0)
    guarded.add_middleware(AccessLog, metrics=metrics)
    write = stage.state.database.write
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url="http://gateway") as client:
        assert (await client.get("/filters")).status_code == 200
        await write(add_bot, BotScope.NETWORK, "127.0.0.1/32", "too many questions")
        assert (await client.get("/filters")).status_code == 403
        await write(remove_bot, BotScope.NETWORK, "127.0.0.1/32")
        assert (await client.get("/filters")).status_code == 200
        await write(remove_bot, BotScope.PATH, "*/.env*")
        assert (await client.get("/.env")).status_code == 404


async def test_rules_are_kept_for_some_seconds(stage: Stage) -> None:
    assert (await stage.client.get("/filters")).status_code == 200
    await stage.state.database.write(add_bot, BotScope.NETWORK, "127.0.0.1/32")
    assert (await stage.client.get("/filters")).status_code == 200


async def test_a_rule_put_twice_is_one(stage: Stage) -> None:
    before = await stage.state.database.read(list_bots)
    for note in ("", "since May"):
        await stage.state.database.write(add_bot, BotScope.PATH, "/Admin*", note)
    rules = await stage.state.database.read(list_bots)
    assert len(rules) == len(before) + 1
    assert [rule.note for rule in rules if rule.pattern == "/admin*"] == ["since May"]
    with pytest.raises(InputError, match="no bad bot"):
        await stage.state.database.write(remove_bot, BotScope.PATH, "/nothing")


@pytest.mark.parametrize(
    ("scope", "pattern"),
    [
        (BotScope.PATH, "*"),
        (BotScope.PATH, "/*"),
        (BotScope.PATH, "admin"),
        (BotScope.PATH, "/a\nb"),
        (BotScope.PATH, "/" + "a" * 200),
        (BotScope.AGENT, ""),
        (BotScope.AGENT, "a*"),
        (BotScope.NETWORK, "0.0.0.0/0"),
        (BotScope.NETWORK, "::/0"),
        (BotScope.NETWORK, "example.com"),
    ],
)
async def test_patterns_that_would_shut_everybody_out_or_mean_nothing(
    stage: Stage, scope: BotScope, pattern: str
) -> None:
    with pytest.raises(InputError) as caught:
        await stage.state.database.write(add_bot, scope, pattern)
    assert caught.value.field == "pattern"


def rules_of(scope: BotScope, *patterns: str) -> BotRules:
    return BotRules(BotRule(scope, pattern, "", utc_now()) for pattern in patterns)


def test_only_a_star_has_a_meaning() -> None:
    rules = rules_of(BotScope.PATH, "/a?b[c]*", "*.php")
    matched = {path for path in ("/a?b[c]d", "/axbc", "/index.php", "/index.php.webp") if rules.match(path, "", None)}
    assert matched == {"/a?b[c]d", "/index.php"}


def test_networks_of_both_kinds() -> None:
    rules = rules_of(BotScope.NETWORK, "203.0.113.0/24", "2001:db8::/32")
    listed = ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1", "198.51.100.1", "nobody", None]
    assert [rules.match("/", "", address) for address in listed] == [BotScope.NETWORK] * 3 + [None] * 3


def test_no_rules_match_nothing() -> None:
    assert BotRules().match("/.env", "sqlmap", "203.0.113.9") is None


async def test_thumbs_and_every_route_of_ours_pass_the_first_rules(stage: Stage) -> None:
    paths = list((await stage.client.get("/openapi.json")).json()["paths"])
    for path in [*paths, "/", "/docs", "/media/cache/small/museum/55/b53470c4d6e0576d.jpg"]:
        answer: httpx.Response = await stage.client.options(path.replace("{", "").replace("}", ""))
        assert answer.status_code != 403, path
