"""What the database has to do for images, without the images: the steps' own calls, in transactions as large as theirs.

python -m benchmarks.cataloguing rows      see child.py
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from benchmarks.child import serve
from benchmarks.installation import ACCOUNT, PRESETS
from deployments.flow_run import collect_less
from sais.addressing import code_of, path_of
from sais.catalog.accounts import get_account
from sais.catalog.batches import change_batch
from sais.catalog.bulk import Row, new_row
from sais.catalog.database import open_database, writing
from sais.catalog.media import Lease, claim_media, release_media, save_media, save_thumbs
from sais.dispatch import Submitted, add_images, open_batch
from sais.fetching import Guard
from sais.pipeline import archive, download, resize
from sais.quotas import Room
from sais.settings import Settings
from sais.settling import settle, settle_batches
from sais_models import Batch, Chunk, Layout, Media, MediaMarking, Thumb, ThumbMarking
from sais_models.columns import utc_now

RUN = "bench"
# The phase that is no part of taking images in for the first time.
KNOWN = "dispatch, all known"
DISPATCHED_TOGETHER = 5_000
SAVED_TOGETHER = 50
RESIZED_TOGETHER = 25
HASHES = {"blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj", "phash": "f0e1d2c3b4a59687", "colors": ["#aabbcc", "#112233"]}


class Phases:
    """CPU seconds of this process, and seconds by the clock, of each phase."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.spent: dict[str, tuple[float, float]] = {}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        cpu, start = time.process_time(), time.perf_counter()
        yield
        before = self.spent.get(name, (0.0, 0.0))
        self.spent[name] = (before[0] + time.process_time() - cpu, before[1] + time.perf_counter() - start)

    def write(self, name: str, change: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """One transaction."""
        with self.timed(name), writing(self.engine) as connection:
            return change(connection, *arguments, **named)


def rows(order: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """An account's images from their dispatch to the last webhook-less settled item, then the same dispatch again."""
    engine = open_database(order["database_url"])
    collect_less()  # as in a run
    phases = Phases(engine)
    batch = _dispatch(phases, "dispatch, new", order["urls"])
    for number, positions in enumerate(_pieces(range(len(order["urls"])), Settings().chunk_images), 1):
        _work(phases, Chunk(ACCOUNT, batch, number, positions[0], positions[-1], len(positions), 0))
    _dispatch(phases, KNOWN, order["urls"])
    engine.dispose()
    return phases.spent


def _dispatch(phases: Phases, name: str, urls: Sequence[str]) -> int:
    """As a manifest is taken in. The batch's id."""
    guard = Guard(("127.0.0.1",))
    batch: Batch = phases.write(name, _opened)
    for start in range(0, len(urls), DISPATCHED_TOGETHER):
        images = [Submitted(url) for url in urls[start : start + DISPATCHED_TOGETHER]]
        phases.write(name, add_images, batch, images, guard=guard, room=Room(), start=start)
    phases.write(name, _closed, batch.id, len(urls))
    return batch.id or 0


def _opened(connection: Connection) -> Batch:
    return open_batch(connection, get_account(connection, ACCOUNT), presets=PRESETS)


def _closed(connection: Connection, batch: int, submitted: int) -> None:
    change_batch(connection, batch, filled=True, submitted=submitted)
    settle_batches(connection, [batch])


def _work(phases: Phases, chunk: Chunk) -> None:
    lease = Lease(RUN, utc_now() + timedelta(minutes=15))
    steps = (
        ([MediaMarking.NEW], download.NAMES, SAVED_TOGETHER, _downloaded),
        ([MediaMarking.DOWNLOADED], archive.NAMES, chunk.images, _archived),
    )
    for markings, names, together, row_of in steps:
        claimed: list[Media] = phases.write("claim", claim_media, chunk, lease, markings, names)
        for piece in _pieces(claimed, together):
            phases.write("save media", save_media, lease, [row_of(media) for media in piece])
    claimed = phases.write("claim", claim_media, chunk, lease, resize.MARKINGS, resize.NAMES)
    for piece in _pieces(claimed, RESIZED_TOGETHER):
        thumbs = [_thumb(media.code, preset) for media in piece for preset in PRESETS]
        codes = [media.code for media in piece]
        resized = [{"code": code, "marking": MediaMarking.RESIZED, **HASHES} for code in codes]
        with writing(phases.engine) as connection:
            with phases.timed("save thumbs"):
                save_thumbs(connection, thumbs)
            with phases.timed("save media"):
                save_media(connection, lease, resized)
                release_media(connection, lease, codes)
            with phases.timed("settle"):
                settle(connection, codes, public_url="http://127.0.0.1:8018")


def _pieces(items: Sequence[Any], length: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + length] for start in range(0, len(items), length))


def _downloaded(media: Media) -> Row:
    path = path_of(ACCOUNT, code_of(media.url, ACCOUNT), Layout.OCTAL2, "jpg")
    facts = {"mime_type": "image/jpeg", "size": 180_000, "width": 1500, "height": 1000, "exif": {"Make": "SAIS"}}
    sent = {"status_code": 200, "checksum": "0" * 32, "etag": '"5f"', "last_modified": None}
    noted = {"reason": None, "retryable": False, "attempts": 1}
    return {"code": media.code, "marking": MediaMarking.DOWNLOADED, "path": path, **facts, **sent, **noted}


def _archived(media: Media) -> Row:
    return {"code": media.code, "marking": MediaMarking.ARCHIVED}


def _thumb(code: str, preset: str) -> Row:
    made = {"recipe": "abcdefabcdef", "mime_type": "image/webp", "size": 9_000, "width": 512, "height": 341}
    return new_row(Thumb, code=code, preset=preset, marking=ThumbMarking.DONE, updated_at=utc_now(), **made)


if __name__ == "__main__":
    serve({"rows": rows})
