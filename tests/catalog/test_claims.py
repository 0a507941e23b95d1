"""Claims that come at the same time, from many connections: each media goes to one of them."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain
from typing import TypeVar

import pytest
from sqlalchemy import Connection, Engine

from sais.catalog.accounts import get_account
from sais.catalog.batches import get_batch
from sais.catalog.bulk import update_rows
from sais.catalog.database import reading, writing
from sais.catalog.media import Lease, claim_media
from sais.dispatch import Submitted
from sais.fetching import Guard
from sais.reading import batch_status
from sais.settling import cancel, settle
from sais.submission import submit
from sais_models import BatchMarking, Chunk, Media, MediaMarking
from sais_models.columns import utc_now

Done = TypeVar("Done")
Work = Callable[[Connection], Done]
IMAGES = 200
RUNS = 8


def sent(engine: Engine, numbers: list[int]) -> Chunk:
    images = [Submitted(f"https://a.example/{number}.jpg") for number in numbers]
    with writing(engine) as connection:
        batch = submit(connection, get_account(connection, "museum"), images, guard=Guard()).batch
    return Chunk("museum", batch.id or 0, 1, 0, len(images) - 1, len(images), 0)


def at_once(engine: Engine, *works: Work[Done]) -> list[Done]:
    """Each of `works` with a connection of its own, begun at the same moment."""
    gate = threading.Barrier(len(works))

    def do(work: Work[Done]) -> Done:
        gate.wait(60)
        with writing(engine) as connection:
            return work(connection)

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(do, works))


def test_of_many_runs_each_media_goes_to_one(engine: Engine) -> None:
    """Half of the batches have the images the other way round: claims in their order would wait in a circle."""
    numbers = list(range(IMAGES))
    chunks = [sent(engine, numbers if run % 2 else numbers[::-1]) for run in range(RUNS)]
    until = utc_now() + timedelta(minutes=1)

    def claiming(run: int) -> Work[list[Media]]:
        lease = Lease(f"run-{run}", until)
        return lambda connection: claim_media(connection, chunks[run], lease, [MediaMarking.NEW])

    got = at_once(engine, *(claiming(run) for run in range(RUNS)))
    owners = Counter(media.code for media in chain(*got))
    assert set(owners.values()) == {1}
    assert len(owners) <= IMAGES
    with writing(engine) as connection:
        claim_media(connection, chunks[0], Lease("run-0", until), [MediaMarking.NEW])
    with reading(engine) as connection:
        rest = claim_media(connection, chunks[0], Lease("run-0", until), [MediaMarking.NEW])
    assert len(rest) + sum(len(media) for media in got[1:]) == IMAGES, "what was locked is free afterwards"


@pytest.mark.parametrize("attempt", range(5))
def test_the_last_two_items_settle_their_batch_though_neither_run_sees_the_other(engine: Engine, attempt: int) -> None:
    chunk = sent(engine, list(range(RUNS)))
    with writing(engine) as connection:
        media = claim_media(connection, chunk, Lease("run", utc_now() + timedelta(minutes=1)), [MediaMarking.NEW])

    def failing(code: str) -> Work[None]:
        def work(connection: Connection) -> None:
            update_rows(connection, Media, [{"code": code, "marking": MediaMarking.FAILED, "reason": "http_404"}])
            settle(connection, [code], public_url="http://gateway")

        return work

    at_once(engine, *(failing(row.code) for row in media))
    with reading(engine) as connection:
        assert get_batch(connection, chunk.batch).marking == BatchMarking.SETTLED


@pytest.mark.parametrize("attempt", range(3))
def test_what_is_cancelled_while_it_settles_is_one_of_both(engine: Engine, attempt: int) -> None:
    chunk = sent(engine, list(range(RUNS)))
    with writing(engine) as connection:
        media = claim_media(connection, chunk, Lease("run", utc_now() + timedelta(minutes=1)), [MediaMarking.NEW])

    def failing(connection: Connection) -> bool:
        codes = [row.code for row in media[: RUNS // 2]]
        rows = [{"code": code, "marking": MediaMarking.FAILED, "reason": "http_404"} for code in codes]
        update_rows(connection, Media, rows)
        settle(connection, codes, public_url="http://gateway")
        return True

    at_once(engine, failing, lambda connection: cancel(connection, chunk.batch))
    with reading(engine) as connection:
        status = batch_status(connection, chunk.batch)
    assert (status.marking, status.pending, status.failed + status.cancelled) == ("cancelled", 0, RUNS)
    assert status.failed in (0, RUNS // 2)
