"""The verdict on one photograph: each way to be wrong has its own complaint."""

from dataclasses import replace

import pytest

from sais.demo.outcome import Outcome
from sais.demo.photographs import DemoPhotograph, Expectation
from sais.demo.thumbs import FetchedThumb

GOOD = Outcome(
    DemoPhotograph("cat.jpg", b"", "image/jpeg", Expectation(displayed=(1200, 800))),
    row={"code": "a", "marking": "new"},
    media={"id": "a", "marking": "resized", "blur": "L6Pj0^", "meta": {"width": 1200, "height": 800}},
    webhook={"code": "a", "marking": "resized", "reason": None},
    thumbs={"small": FetchedThumb(192, 128, 5_000), "medium": FetchedThumb(512, 341, 20_000)},
)
LOST = Outcome(
    DemoPhotograph("lost.jpg", None, "image/jpeg", Expectation("failed", "http_404")),
    row={"code": "b", "marking": "new"},
    media={"id": "b", "marking": "failed", "blur": None, "meta": {}},
    webhook={"code": "b", "marking": "failed", "reason": "http_404"},
    thumbs={},
)


@pytest.mark.parametrize("outcome", [GOOD, LOST])
def test_as_expected(outcome: Outcome) -> None:
    assert outcome.complaints() == []


@pytest.mark.parametrize(
    ("outcome", "complaint"),
    [
        (replace(GOOD, webhook=None), "no webhook"),
        (replace(GOOD, webhook={"marking": "failed"}), "webhook says 'failed'"),
        (replace(GOOD, media={**GOOD.media, "marking": "archived"}), "archived, not resized"),
        (replace(GOOD, media={**GOOD.media, "blur": None}), "no blurhash"),
        (replace(GOOD, media={**GOOD.media, "meta": {"width": 800, "height": 1200}}), "displays at (800, 1200)"),
        (replace(GOOD, media={**GOOD.media, "meta": None}), "displays at (None, None)"),
        (replace(GOOD, thumbs={"small": GOOD.thumbs["small"]}), "no thumb medium"),
        (replace(GOOD, thumbs={**GOOD.thumbs, "small": FetchedThumb(trouble="404")}), "thumb small: 404"),
        (replace(GOOD, row={"marking": "rejected", "reason": "refused_host"}), "rejected (refused_host), not resized"),
        (
            replace(LOST, webhook={"marking": "failed", "reason": "http_503"}),
            "failed (http_503), not failed (http_404)",
        ),
        (replace(LOST, media={}), "None (http_404), not failed"),
    ],
)
def test_not_as_expected(outcome: Outcome, complaint: str) -> None:
    complaints = outcome.complaints()
    assert any(complaint in told for told in complaints), complaints
    assert all(told.startswith(outcome.photograph.path) for told in complaints)


def test_a_media_that_tells_its_reason_needs_no_webhook_for_it() -> None:
    outcome = replace(LOST, webhook=None, media={**LOST.media, "reason": "http_404"})
    assert outcome.complaints() == ["lost.jpg: no webhook with a valid signature"]
