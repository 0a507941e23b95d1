"""What must be true when everything has come to rest, whatever was killed: each function names what is not."""

import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from PIL import Image
from sqlalchemy import RowMapping

from tests.chaos.books import Books
from tests.chaos.client import Sent

# A media whose address it is, to its bytes; None for one that the origin does not have.
Expected = Callable[[str], bytes | None]
SETTLED_ITEMS = {"done", "failed", "rejected", "cancelled"}
SHOWN = 20


@dataclass(frozen=True)
class Verdict:
    """`tally` is for the table of a run."""

    problems: list[str]
    tally: dict[str, int]


def judge(books: Books, sent: Sequence[Sent], expected: Expected) -> Verdict:
    problems = [
        *_sums(books, sent),
        *_media(books, expected),
        *_archive(books, expected),
        *_thumbs(books),
        *_leftovers(books),
        *_reports(books),
        *_summaries(books),
        *_webhooks(books),
    ]
    return Verdict(problems, _tally(books))


def _sums(books: Books, sent: Sequence[Sent]) -> Iterator[str]:
    """Every batch settled; accepted + rejected = submitted; what was answered is there with all of its images."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for item in books.items:
        counts[item["batch_id"]][item["marking"]] += 1
    for batch in books.batches:
        markings = counts[batch["id"]]
        if batch["marking"] == "open":
            yield f"batch {batch['id']} is open: {dict(markings)}"
        if markings.total() != batch["submitted"] or not set(markings) <= SETTLED_ITEMS:
            yield f"batch {batch['id']}: {batch['submitted']} submitted, but {dict(markings)}"
    submitted = {batch["id"]: batch["submitted"] for batch in books.batches}
    for request in sent:
        if submitted.get(request.batch) != len(request.urls):
            yield f"batch {request.batch}: {len(request.urls)} sent, {submitted.get(request.batch)} submitted"


def _media(books: Books, expected: Expected) -> Iterator[str]:
    """Each media is done, or failed because the origin does not have it; nobody holds it any more."""
    for media in books.media.values():
        found = (media["marking"], media["reason"])
        wanted = ("failed", "http_404") if expected(media["url"]) is None else ("resized", None)
        if found != wanted:
            yield f"media {media['code']} ({media['url']}) is {found}, not {wanted}"
        if media["leased_by"] is not None:
            yield f"media {media['code']} is still leased by {media['leased_by']}"


def _archive(books: Books, expected: Expected) -> Iterator[str]:
    """Each original is in the archive, byte by byte, and once; and nothing else is."""
    paths = {media["path"]: media for media in books.media.values() if media["marking"] in ("archived", "resized")}
    for path, media in paths.items():
        if books.archive.read(path) != expected(media["url"]):
            yield f"{path} in the archive is not what {media['url']} served"
    for path in books.archive.sizes.keys() - paths.keys():
        yield f"{path} in the archive belongs to no media that is done"


def _thumbs(books: Books) -> Iterator[str]:
    """Each thumb decodes and has the bytes and pixels that its row tells; no thumb belongs to nobody."""
    known = set()
    for thumb in books.thumbs:
        media = books.media[thumb["code"]]
        if thumb["marking"] != "done":
            if media["marking"] == "resized":
                yield f"thumb {thumb['code']}/{thumb['preset']} is {thumb['marking']}, though its media is done"
            continue
        path = f"{thumb['preset']}/{media['path']}"
        known.add(path)
        problem = _thumb_problem(thumb, books.cache.read(path))
        if problem:
            yield f"thumb {path}: {problem}"
    for path in books.cache.sizes.keys() - known:
        yield f"{path} in the thumb cache belongs to no thumb that is done"


def _thumb_problem(thumb: RowMapping, data: bytes | None) -> str | None:
    if data is None:
        return "not there"
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            size = image.size
    except OSError as error:
        return f"does not decode: {error}"
    told = (thumb["size"], thumb["width"], thumb["height"])
    return None if told == (len(data), *size) else f"{len(data)} bytes, {size} pixels; its row tells {told}"


def _leftovers(books: Books) -> Iterator[str]:
    """Of local originals there is one for each media at most."""
    paths = {media["path"] for media in books.media.values()}
    for path in sorted(books.originals.sizes.keys() - paths):
        yield f"{path} is left in the folder of originals"


def _reports(books: Books) -> Iterator[str]:
    """Each media is reported once a batch, unless all that the batch asked for was there before it."""
    reported: dict[tuple[int, str], RowMapping] = {}
    for delivery in books.deliveries:
        if delivery["kind"] != "media":
            continue
        key = (delivery["batch_id"], delivery["subject"])
        if key in reported:
            yield f"media {key[1]} is reported twice in batch {key[0]}"
        reported[key] = delivery
    first: dict[str, str] = {}
    for (_, code), delivery in reported.items():
        first[code] = min(first.get(code, "9"), str(delivery["created_at"]))
    born = {batch["id"]: str(batch["created_at"]) for batch in books.batches}
    # A batch of the sweep tells nobody once more that an image failed.
    known = {batch["id"] for batch in books.batches if batch["retry"]}
    for item in books.items:
        key = (item["batch_id"], item["code"])
        if item["marking"] == "failed" and key[0] in known:
            continue
        if item["code"] and key not in reported and first.get(item["code"], "9") > born[item["batch_id"]]:
            yield f"media {item['code']} was never reported in batch {item['batch_id']}"


def _summaries(books: Books) -> Iterator[str]:
    """Each batch is summed up once for its client."""
    told = Counter(delivery["batch_id"] for delivery in books.deliveries if delivery["kind"] == "summary")
    for batch in books.batches:
        if batch["batch_callback_url"] and told[batch["id"]] != 1:
            yield f"batch {batch['id']} was summed up {told[batch['id']]} times"


def _webhooks(books: Books) -> Iterator[str]:
    """Each report has arrived, signed, under its own id and with the same bytes however often it came."""
    known = {delivery["id"]: delivery for delivery in books.deliveries}
    bodies = {id_: hashlib.sha256(delivery["body"].encode()).hexdigest() for id_, delivery in known.items()}
    for webhook in books.webhooks:
        if not webhook.verified:
            yield f"webhook {webhook.id} has a signature that does not fit"
        if webhook.id not in known:
            yield f"webhook {webhook.id} is of no delivery"
        elif webhook.body != bodies[webhook.id]:
            yield f"webhook {webhook.id} came with another body than its delivery has"
    arrived = {webhook.id for webhook in books.webhooks}
    for delivery in books.deliveries:
        if delivery["marking"] == "delivered" and delivery["id"] not in arrived:
            yield f"delivery {delivery['id']} is called delivered, and never arrived"
        if delivery["marking"] not in ("delivered", "dead"):
            yield f"delivery {delivery['id']} of batch {delivery['batch_id']} is still {delivery['marking']}"


def _tally(books: Books) -> dict[str, int]:
    items = Counter(item["marking"] for item in books.items)
    ids = Counter(webhook.id for webhook in books.webhooks)
    return {
        "batches": len(books.batches),
        "submitted": len(books.items),
        "rejected": items["rejected"],
        "done": items["done"],
        "failed": items["failed"],
        "media": len(books.media),
        "originals checked byte by byte": len(books.archive.sizes),
        "thumbs decoded": len(books.cache.sizes),
        "webhooks": len(ids),
        "webhooks that came more than once": sum(1 for times in ids.values() if times > 1),
        "webhooks dead": sum(1 for delivery in books.deliveries if delivery["marking"] == "dead"),
    }
