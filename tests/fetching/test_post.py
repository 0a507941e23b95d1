"""Posting to webhook receivers."""

import pytest

from sais.errors import RefusedHost, TransientMediaError
from sais.fetching import Fetcher
from sais.settings import Settings
from tests.support.origin import Origin
from tests.support.replies import Endless, Hang, Reply, Reset, Status, busy, head, redirect


async def test_body_and_headers_arrive_as_they_are(origin: Origin, fetcher: Fetcher) -> None:
    headers = {"content-type": "application/json", "webhook-id": "msg_1"}
    result = await fetcher.post(origin.url("/hook?key=%2F"), b'{"code":1}', headers)
    (post,) = origin.wait_for_posts(1)
    assert (post.path, post.body) == ("/hook", b'{"code":1}')
    assert post.headers["webhook-id"] == "msg_1"
    assert post.headers["content-type"] == "application/json"
    assert origin.requests[0].path == "/hook?key=%2F"
    assert (result.status_code, result.retry_after) == (200, None)


@pytest.mark.parametrize(
    ("reply", "status", "retry_after"),
    [
        (Status(204), 204, None),
        (Status(410), 410, None),
        (busy("30"), 503, 30.0),
        (redirect("http://169.254.169.254/"), 302, None),
        (Endless(), 200, None),
        (Hang(head(200, {"Content-Length": "5"})), 200, None),
    ],
    ids=["204", "410", "503", "redirect", "endless answer", "answer hangs"],
)
async def test_every_status_is_an_answer(
    reply: Reply, status: int, retry_after: float | None, origin: Origin, fetcher: Fetcher
) -> None:
    result = await fetcher.post(origin.serve("/hook", reply), b"{}", {})
    assert (result.status_code, result.retry_after) == (status, retry_after)
    assert origin.hits["/hook"] == 1


@pytest.mark.parametrize(("reply", "reason"), [(Reset(), "read"), (Hang(), "timeout")])
async def test_receivers_that_fail(reply: Reply, reason: str, origin: Origin, settings: Settings) -> None:
    async with Fetcher(settings.model_copy(update={"webhook_seconds": 0.1})) as fetcher:
        with pytest.raises(TransientMediaError) as caught:
            await fetcher.post(origin.serve("/hook", reply), b"{}", {})
    assert caught.value.reason == reason


async def test_the_guard_stands_before_receivers_too(fetcher: Fetcher) -> None:
    with pytest.raises(RefusedHost):
        await fetcher.post("http://169.254.169.254/hook", b"{}", {})


async def test_statuses_in_sequence(origin: Origin, fetcher: Fetcher) -> None:
    url = origin.serve("/hook", Status(500), Status(200))
    statuses = [(await fetcher.post(url, b"{}", {})).status_code for _ in range(3)]
    assert statuses == [500, 200, 200]
    assert len(origin.wait_for_posts(3)) == 3
