"""What a run's summary says bounded it: of ledgers, and of runs that one thing slows down."""

import time
from typing import Any

import pytest

from sais.pipeline.bounds import Resource, bound_sentence, busy_share, split, what_bounds
from sais.pipeline.ledger import Ledger
from sais.pipeline.plan import Order
from sais.pipeline.summary import status_of, summary_markdown
from tests.support.batches import Museum, replace_settings
from tests.support.origin import Origin
from tests.support.pictures import encoded, noise
from tests.support.replies import Content, Late

WORKERS = 2


def ledger_of(*, elapsed: float = 100.0, downloads: int = 1000, **parts: tuple[float, int]) -> Ledger:
    """`parts`: seconds, and the images that waited so long."""
    ledger = Ledger(started=time.monotonic() - elapsed)
    ledger.counts["downloads"] = downloads
    for part, (seconds, images) in parts.items():
        ledger.add(part.replace("_", " "), seconds, images)
    return ledger


@pytest.mark.parametrize(
    ("waited", "bound"),
    [
        ({}, None),
        ({"workers": (170, 1), "download": (9000, 1)}, Resource.CPU),
        ({"workers": (150, 1), "download": (9000, 1)}, Resource.NETWORK),
        ({"download": (9000, 1), "host_politeness": (5000, 1)}, Resource.HOSTS),
        ({"download": (9000, 1), "host_politeness": (4000, 1)}, Resource.NETWORK),
        ({"download": (100, 1), "imaging": (40, 8), "imaging_queue": (1, 1)}, Resource.CPU),
        ({"download": (100, 1), "imaging": (1, 8), "imaging_queue": (10, 80)}, Resource.CPU),
        (
            {"download": (100, 1), "imaging": (1, 8), "thumb_uploads": (3, 8), "imaging_queue": (10, 80)},
            Resource.STORAGE,
        ),
        ({"download": (100, 1), "archive": (2, 100)}, Resource.STORAGE),
        ({"download": (100, 1), "database": (3, 1)}, Resource.DATABASE),
        ({"download": (100, 1), "database": (3, 1), "downloads": 10}, Resource.NETWORK),
        ({"download": (100, 1), "webhooks": (5, 250)}, Resource.WEBHOOKS),
    ],
)
def test_what_images_waited_for_most_bounds_the_run_unless_the_workers_were_busy(
    waited: dict[str, Any], bound: Resource | None
) -> None:
    assert what_bounds(ledger_of(**waited), WORKERS) == bound


def test_the_sentence_says_what_would_make_it_faster() -> None:
    own = ledger_of(download=(100, 1), fetch_slots=(60, 1))
    theirs = ledger_of(download=(100, 1), fetch_slots=(40, 1))
    assert "SAIS_FETCH_CONCURRENCY" in bound_sentence(own, WORKERS)
    assert "SAIS_FETCH_CONCURRENCY" not in bound_sentence(theirs, WORKERS)
    assert "SAIS_HOST_CONCURRENCY" in bound_sentence(ledger_of(download=(9, 1), host_politeness=(9, 1)), WORKERS)
    busy = bound_sentence(ledger_of(workers=(180, 1)), WORKERS)
    assert busy.startswith("**CPU bounded this run**") and "SAIS_IMAGING_WORKERS" in busy and "90%" in busy
    assert bound_sentence(ledger_of(), WORKERS).startswith("Nothing bounded")


def test_each_second_is_in_one_share() -> None:
    ledger = ledger_of(download=(10, 1), host_politeness=(4, 1), fetch_slots=(1, 1), archive=(2, 5), database=(1, 1))
    seconds = {share.resource: share.seconds for share in split(ledger)}
    assert (seconds[Resource.NETWORK], seconds[Resource.HOSTS], seconds[Resource.STORAGE]) == (6, 4, 2)
    assert busy_share(ledger_of(workers=(1000, 1)), WORKERS) == 1


async def summary_of(museum: Museum, *urls: str) -> tuple[Resource | None, str]:
    async with museum.run() as resources:
        worked = await museum.ingest(resources, Order("museum", urls=list(urls)))
        assert worked.status.done == len(urls)
        status = await status_of(resources, worked.plan.batch)
        markdown = summary_markdown(status, resources.ledger, workers=resources.worker_count, public_url="http://s")
        return what_bounds(resources.ledger, resources.worker_count), markdown


async def test_an_origin_that_is_slow_is_network(museum: Museum, origin: Origin) -> None:
    small = encoded(noise(40, 40), "PNG")
    urls = [origin.serve(f"/{n}.png", Late(Content(small), 4.0)) for n in range(6)]
    bound, markdown = await summary_of(museum, *urls)
    assert bound == Resource.NETWORK
    assert "**network bounded this run**" in markdown


@pytest.mark.parametrize(
    ("limit", "pause"), [({"host_rate": 1}, 0.0), ({"host_concurrency": 1, "host_rate": 0}, 1.0)], ids=["rate", "slots"]
)
async def test_a_limit_of_the_host_is_politeness(
    museum: Museum, origin: Origin, limit: dict[str, float], pause: float
) -> None:
    small = encoded(noise(40, 40), "PNG")
    urls = [origin.serve(f"/{n}.png", Late(Content(small), pause)) for n in range(6)]
    bound, markdown = await summary_of(replace_settings(museum, **limit), *urls)
    assert bound == Resource.HOSTS
    assert "SAIS_HOST_RATE" in markdown


async def test_large_pictures_of_a_quick_origin_are_cpu(museum: Museum, origin: Origin) -> None:
    large = Content(encoded(noise(2000, 1500), "PNG"), "image/png")
    urls = [origin.serve(f"/{n}.png", large) for n in range(24)]  # with 8, a disk that others keep busy came first
    bound, markdown = await summary_of(replace_settings(museum, imaging_workers=1), *urls)
    assert bound == Resource.CPU
    assert "| — decode |" in markdown and "| — encode |" in markdown
