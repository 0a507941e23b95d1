"""The states of every kind of row, and the moves between them. One home: `docs/states.md` is generated from here."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class MediaMarking(StrEnum):
    NEW = "new"
    DOWNLOADED = "downloaded"
    ARCHIVED = "archived"
    RESIZED = "resized"
    FAILED = "failed"


class ThumbMarking(StrEnum):
    NEW = "new"
    DONE = "done"
    FAILED = "failed"


class ItemMarking(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class BatchMarking(StrEnum):
    OPEN = "open"
    SETTLED = "settled"
    CANCELLED = "cancelled"


class FileMarking(StrEnum):
    DIR = "dir"
    LISTING = "listing"
    FILE = "file"
    HAS_META = "has_meta"


class DeliveryMarking(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True)
class Move:
    """One allowed change of marking: `name` is the step that makes it."""

    name: str
    source: str
    target: str


@dataclass(frozen=True)
class StateMachine:
    """The moves of one kind of row; `meanings` says in words what each marking promises."""

    subject: str
    initial: str
    meanings: Mapping[str, str]
    moves: tuple[Move, ...]

    def sources(self, target: str) -> tuple[str, ...]:
        """The markings from which `target` may be reached, in the order of the moves."""
        return tuple(dict.fromkeys(move.source for move in self.moves if move.target == target))


MEDIA = StateMachine(
    subject="media",
    initial=MediaMarking.NEW,
    meanings={
        MediaMarking.NEW: "known by its address; nothing fetched yet",
        MediaMarking.DOWNLOADED: "the whole original is in the local folder",
        MediaMarking.ARCHIVED: "the whole original is in the archive; media that are not images end here",
        MediaMarking.RESIZED: "the thumbs that were asked for are made",
        MediaMarking.FAILED: "given up, with a reason; `retryable` says whether the sweep tries it again",
    },
    moves=(
        Move("download", MediaMarking.NEW, MediaMarking.DOWNLOADED),
        Move("archive", MediaMarking.DOWNLOADED, MediaMarking.ARCHIVED),
        Move("resize", MediaMarking.ARCHIVED, MediaMarking.RESIZED),
        Move("resize", MediaMarking.RESIZED, MediaMarking.RESIZED),
        Move("fail", MediaMarking.NEW, MediaMarking.FAILED),
        Move("fail", MediaMarking.DOWNLOADED, MediaMarking.FAILED),
        Move("fail", MediaMarking.ARCHIVED, MediaMarking.FAILED),
        Move("retry", MediaMarking.FAILED, MediaMarking.NEW),
        Move("lose", MediaMarking.RESIZED, MediaMarking.NEW),
        Move("refresh", MediaMarking.ARCHIVED, MediaMarking.ARCHIVED),
        Move("refresh", MediaMarking.RESIZED, MediaMarking.RESIZED),
        Move("lose", MediaMarking.ARCHIVED, MediaMarking.FAILED),
        Move("lose", MediaMarking.RESIZED, MediaMarking.FAILED),
    ),
)

THUMB = StateMachine(
    subject="thumb",
    initial=ThumbMarking.NEW,
    meanings={
        ThumbMarking.NEW: "asked for",
        ThumbMarking.DONE: "the whole file is in the thumb cache, made by the recipe on its row",
        ThumbMarking.FAILED: "could not be made; the reason is on its row",
    },
    moves=(
        Move("resize", ThumbMarking.NEW, ThumbMarking.DONE),
        Move("rethumb", ThumbMarking.DONE, ThumbMarking.DONE),
        Move("refresh", ThumbMarking.DONE, ThumbMarking.DONE),
        Move("lose", ThumbMarking.DONE, ThumbMarking.NEW),
        Move("fail", ThumbMarking.NEW, ThumbMarking.FAILED),
        Move("retry", ThumbMarking.FAILED, ThumbMarking.NEW),
    ),
)

ITEM = StateMachine(
    subject="item",
    initial=ItemMarking.PENDING,
    meanings={
        ItemMarking.PENDING: "accepted; its media is being worked on",
        ItemMarking.DONE: "everything this batch asked for is there",
        ItemMarking.FAILED: "its media or one of its thumbs failed, with the reason",
        ItemMarking.REJECTED: "never accepted, with the reason",
        ItemMarking.CANCELLED: "accepted, and not worked on any more: its batch was cancelled",
    },
    moves=(
        Move("settle", ItemMarking.PENDING, ItemMarking.DONE),
        Move("fail", ItemMarking.PENDING, ItemMarking.FAILED),
        Move("cancel", ItemMarking.PENDING, ItemMarking.CANCELLED),
    ),
)

BATCH = StateMachine(
    subject="batch",
    initial=BatchMarking.OPEN,
    meanings={
        BatchMarking.OPEN: "items are being added or worked on",
        BatchMarking.SETTLED: "accepted + rejected = submitted, and no item is pending",
        BatchMarking.CANCELLED: "nobody works on it any more; what was pending is cancelled, what was done stays",
    },
    moves=(
        Move("settle", BatchMarking.OPEN, BatchMarking.SETTLED),
        Move("cancel", BatchMarking.OPEN, BatchMarking.CANCELLED),
    ),
)

DELIVERY = StateMachine(
    subject="delivery",
    initial=DeliveryMarking.PENDING,
    meanings={
        DeliveryMarking.PENDING: "in the outbox; sent when due",
        DeliveryMarking.DELIVERED: "the receiver answered 2xx",
        DeliveryMarking.DEAD: "given up after a day, or because the receiver answered 410; kept, can be replayed",
    },
    moves=(
        Move("deliver", DeliveryMarking.PENDING, DeliveryMarking.DELIVERED),
        Move("give up", DeliveryMarking.PENDING, DeliveryMarking.DEAD),
        Move("replay", DeliveryMarking.DEAD, DeliveryMarking.PENDING),
    ),
)

DIRECTORY = StateMachine(
    subject="directory of a storage",
    initial=FileMarking.DIR,
    meanings={
        FileMarking.DIR: "to be listed by the sync that is on its row",
        FileMarking.LISTING: "listed to its end; its files are rows",
    },
    moves=(
        Move("list", FileMarking.DIR, FileMarking.LISTING),
        Move("sync", FileMarking.LISTING, FileMarking.DIR),
    ),
)

FILE = StateMachine(
    subject="file of a storage",
    initial=FileMarking.FILE,
    meanings={
        FileMarking.FILE: "a listing had it, with its size and version",
        FileMarking.HAS_META: "the bytes of that version were read; their checksum is on its row",
    },
    moves=(
        Move("read", FileMarking.FILE, FileMarking.HAS_META),
        Move("change", FileMarking.HAS_META, FileMarking.FILE),
    ),
)

MACHINES = (MEDIA, THUMB, ITEM, BATCH, DELIVERY, DIRECTORY, FILE)
