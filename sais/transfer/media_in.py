"""Media and thumbs of an import, and the one rule for what is there already: the newer state stays."""

import mimetypes
from collections.abc import Iterable
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from sqlalchemy import Connection

from sais.catalog import transfer
from sais.catalog.bulk import Row, insert_new, new_row, upsert
from sais.catalog.transfer import Known
from sais.transfer.judging import owner_of
from sais.transfer.kinds import Kind
from sais.transfer.lines import MediaLine, ThumbLine
from sais.transfer.tally import Tally
from sais_models import Media, MediaMarking, Thumb, ThumbMarking
from sais_models.columns import utc_now

# No recipe of ours: `rethumbnail` counts these thumbs as stale until it has made them itself.
FOREIGN_RECIPE = "imported"
_OWN_TO_THE_ROW = {"code", "root", "url", "created_at", "leased_by", "leased_until"}
MEDIA_CHANGES = tuple(name for name in Media.model_fields if name not in _OWN_TO_THE_ROW)
THUMB_CHANGES = tuple(name for name in Thumb.model_fields if name not in ("code", "preset"))


class Chosen:
    """Which accounts an import is for (all without `roots`), and whether it touches what is there at all."""

    def __init__(self, roots: Iterable[str] = (), *, skip_existing: bool = False) -> None:
        self.roots, self.skip_existing = frozenset(roots), skip_existing

    def __contains__(self, root: str) -> bool:
        return not self.roots or root in self.roots

    def outcome(self, known: Known | None, updated_at: datetime | None) -> str:
        """What becomes of a row: added, updated, same, kept or busy. Without a time a file is never the newer."""
        if known is None:
            return "added"
        if updated_at == known.updated_at:
            return "same"
        if self.skip_existing or updated_at is None or updated_at < known.updated_at:
            return "kept"
        return "busy" if known.busy else "updated"


def add_media_lines(
    connection: Connection,
    lines: Iterable[tuple[int, MediaLine]],
    chosen: Chosen,
    tally: Tally,
    *,
    others: frozenset[str] = frozenset(),
    write: bool = True,
) -> None:
    """`others` are accounts that count as known though they are not there yet, for a dry run."""
    wanted = list(lines)
    roots = {root for root, deleted in transfer.known_roots(connection).items() if not deleted} | others
    known = transfer.known_media(connection, [line.code for _, line in wanted])
    new: dict[str, Row] = {}
    newer: dict[str, Row] = {}
    for number, line in wanted:
        root = owner_of(line)
        there = known.get(line.code)
        if root not in chosen:
            tally.count(Kind.MEDIA, "left_out")
        elif root not in roots:
            tally.refuse(Kind.MEDIA, number, "its account is not here")
        elif there and there.identity != line.original_url:
            tally.refuse(Kind.MEDIA, number, "another address has this code here")
        else:
            outcome = chosen.outcome(there, line.updated_at)
            tally.count(Kind.MEDIA, outcome)
            if outcome in ("added", "updated"):
                row = media_row(line)
                (new if outcome == "added" or line.code in new else newer)[line.code] = row
                known[line.code] = Known(line.original_url, row["updated_at"])
    if write:
        insert_new(connection, Media, list(new.values()))
        upsert(connection, Media, list(newer.values()), change=MEDIA_CHANGES)


def media_row(line: MediaLine) -> Row:
    """`downloaded` promises a file in this machine's local folder, which nobody has moved: it is new again."""
    marking = MediaMarking.NEW if line.marking == MediaMarking.DOWNLOADED else line.marking
    updated_at = line.updated_at or utc_now()
    return new_row(
        Media,
        code=line.code,
        root=owner_of(line),
        url=line.original_url,
        path=line.path,
        marking=marking,
        reason=line.reason,
        retryable=line.retryable,
        attempts=line.attempts,
        retries=line.retries,
        status_code=line.status_code,
        mime_type=line.mime_type,
        size=line.size,
        width=line.original_width,
        height=line.original_height,
        checksum=line.checksum,
        etag=line.etag,
        last_modified=line.last_modified,
        checked_at=line.checked_at,
        source_reason=line.source_reason,
        blurhash=line.blur,
        phash=line.p_hash,
        colors=line.colors,
        exif=line.exif,
        context=line.context,
        created_at=line.created_at or updated_at,
        updated_at=updated_at,
    )


def add_thumb_lines(
    connection: Connection,
    lines: Iterable[tuple[int, ThumbLine]],
    chosen: Chosen,
    tally: Tally,
    *,
    write: bool = True,
) -> None:
    """In a dry run the media may not be there yet: then nothing is asked of them."""
    wanted = list(lines)
    codes = list(dict.fromkeys(line.media for _, line in wanted))
    roots = transfer.roots_of(connection, codes)
    known = transfer.known_thumbs(connection, codes)
    rows: dict[tuple[str, str], Row] = {}
    for number, line in wanted:
        key = (line.media, line.liip_code)
        root = roots.get(line.media)
        if root is None and write:
            tally.refuse(Kind.THUMBS, number, "its media is not here")
        elif root is not None and root not in chosen:
            tally.count(Kind.THUMBS, "left_out")
        else:
            outcome = chosen.outcome(known.get(key), line.updated_at)
            tally.count(Kind.THUMBS, outcome)
            if outcome in ("added", "updated"):
                rows[key] = thumb_row(line)
                known[key] = Known(line.media, rows[key]["updated_at"])
    if write:
        upsert(connection, Thumb, list(rows.values()), change=THUMB_CHANGES)


def thumb_row(line: ThumbLine) -> Row:
    done = line.marking == ThumbMarking.DONE
    told = {"recipe", "mime_type"} & line.model_fields_set
    return new_row(
        Thumb,
        code=line.media,
        preset=line.liip_code,
        marking=line.marking,
        recipe=line.recipe if "recipe" in told or not done else FOREIGN_RECIPE,
        mime_type=line.mime_type if "mime_type" in told else _type_of(line.url),
        size=line.size,
        width=line.w,
        height=line.h,
        reason=line.reason,
        updated_at=line.updated_at or utc_now(),
    )


def _type_of(url: str | None) -> str | None:
    """The predecessor's thumbs have the type that their address says."""
    return mimetypes.types_map.get(PurePosixPath(urlsplit(url).path).suffix.lower()) if url else None
