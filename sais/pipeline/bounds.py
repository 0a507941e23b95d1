"""What bounded a run: the resource that its images waited for most, and what would make it faster.

Pure: all of it is read off a ledger (docs/performance.md has the rule).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from sais.pipeline.ledger import Ledger

# From here on the imaging workers cannot be kept much busier: a run begins and ends with little for them to do.
BUSY_SHARE = 0.8
# A transaction of a step is waited for by the images that it saves, at most so many.
SAVED_TOGETHER = 50


class Resource(StrEnum):
    NETWORK = "network"
    HOSTS = "host politeness"
    CPU = "CPU"
    STORAGE = "storage"
    DATABASE = "database"
    WEBHOOKS = "webhooks"


FASTER: Mapping[Resource, str] = {
    Resource.NETWORK: "The origins and the line to them set the pace: a faster line, or faster origins.",
    Resource.HOSTS: "Images waited for leave to ask their hosts: more at once (SAIS_HOST_CONCURRENCY) or more a second "
    "(SAIS_HOST_RATE), if the hosts bear it, or images of more hosts in a batch.",
    Resource.CPU: "More cores, with SAIS_IMAGING_WORKERS no more than those; or fewer and smaller presets.",
    Resource.STORAGE: "A faster disk, or an archive and a thumb cache that are nearer.",
    Resource.DATABASE: "A database on a faster disk, or nearer; PostgreSQL where several runs write at once.",
    Resource.WEBHOOKS: "Receivers that answer sooner, or a smaller SAIS_NOTIFY_SECONDS: the rest is sent later.",
}
MORE_SLOTS = "Images waited for one of the run's fetches: more at once (SAIS_FETCH_CONCURRENCY)."


class Share(NamedTuple):
    """`seconds` as of the ledger, all that went on at once added up; `waited` the same times the images that waited."""

    resource: Resource
    seconds: float
    waited: float
    parts: list[tuple[str, float]]


def split(ledger: Ledger) -> list[Share]:
    """All resources, what was waited for most first."""
    seconds, waits = ledger.seconds, ledger.waits
    polite, asking = seconds.get("host politeness", 0.0), seconds.get("download", 0.0)
    slots = seconds.get("fetch slots", 0.0)
    network = max(asking - polite, 0.0)
    # A group queues for a worker while others are in theirs, or on their way to the cache.
    imaging, uploads = seconds.get("imaging", 0.0), seconds.get("thumb uploads", 0.0)
    queue, pixels = waits.get("imaging queue", 0.0), imaging / (imaging + uploads or 1.0)
    together = min(SAVED_TOGETHER, max(1, ledger.counts["downloads"] or ledger.counts["thumbs"]))
    stored = ("archive", "thumb cache", "thumb uploads")
    kept = sum(waits.get(part, 0.0) for part in stored) + queue * (1 - pixels)
    worked = waits.get("imaging", 0.0) + waits.get("header", 0.0) + queue * pixels
    webhooks, database = seconds.get("webhooks", 0.0), seconds.get("database", 0.0)
    shares = [
        Share(Resource.NETWORK, network, network, [("bytes of origins", network - slots), ("fetch slots", slots)]),
        Share(Resource.HOSTS, polite, polite, []),
        Share(
            Resource.CPU,
            seconds.get("workers", 0.0) + seconds.get("header", 0.0),
            worked,
            _parts(ledger, "decode", "resize", "encode", "hash", "header"),
        ),
        Share(Resource.STORAGE, sum(seconds.get(part, 0.0) for part in stored), kept, _parts(ledger, *stored)),
        Share(Resource.DATABASE, database, together * database, []),
        Share(Resource.WEBHOOKS, webhooks, waits.get("webhooks", 0.0), []),
    ]
    return sorted(shares, key=lambda share: -share.waited)


def busy_share(ledger: Ledger, workers: int) -> float:
    """Of the run's time, how much its imaging workers were at work: 0 to 1."""
    return min(1.0, ledger.seconds.get("workers", 0.0) / (workers * max(ledger.elapsed, 1e-6)))


def what_bounds(ledger: Ledger, workers: int) -> Resource | None:
    """None when there was nothing to wait for."""
    if busy_share(ledger, workers) >= BUSY_SHARE:
        return Resource.CPU
    most = split(ledger)[0]
    return most.resource if most.waited > 0 else None


def bound_sentence(ledger: Ledger, workers: int) -> str:
    """For people: what bounded the run, how that is known, and what would make it faster."""
    bound, busy = what_bounds(ledger, workers), busy_share(ledger, workers)
    if bound is None:
        return "Nothing bounded this run: there was nothing to wait for."
    faster = FASTER[bound]
    if bound == Resource.NETWORK and ledger.seconds.get("fetch slots", 0.0) > _asking_seconds(ledger):
        faster = MORE_SLOTS
    if busy >= BUSY_SHARE:
        why = f"the imaging workers were busy for {busy:.0%} of its time"
    else:
        why = f"its images waited for that most; the imaging workers were busy for {busy:.0%} of its time"
    return f"**{bound} bounded this run**: {why}. {faster}"


def _asking_seconds(ledger: Ledger) -> float:
    seconds = ledger.seconds
    waiting = seconds.get("host politeness", 0.0) + seconds.get("fetch slots", 0.0)
    return max(seconds.get("download", 0.0) - waiting, 0.0)


def _parts(ledger: Ledger, *names: str) -> list[tuple[str, float]]:
    return [(name, ledger.seconds[name]) for name in names if name in ledger.seconds]
