"""Answers about bytes that the client may have already, or of which it wants a part (RFC 9110)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def validators(version: str, modified: datetime) -> dict[str, str]:
    """HTTP times have whole seconds; the ETag is exact."""
    return {"ETag": f'"{version}"', "Last-Modified": format_datetime(modified.astimezone(UTC), usegmt=True)}


def is_unchanged(headers: Mapping[str, str], current: Mapping[str, str]) -> bool:
    """Whether 304 is the answer; `If-None-Match` goes before `If-Modified-Since`."""
    if (tags := headers.get("if-none-match")) is not None:
        return tags.strip() == "*" or current["ETag"] in (tag.strip().removeprefix("W/") for tag in tags.split(","))
    since = headers.get("if-modified-since")
    if since is None:
        return False
    try:
        return parsedate_to_datetime(current["Last-Modified"]) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False


@dataclass(frozen=True)
class Selection:
    """The bytes from `start` to before `stop` answer the request, with `status` and `headers`."""

    status: int
    start: int
    stop: int
    headers: dict[str, str]


def select_bytes(size: int, headers: Mapping[str, str], wanted: Mapping[str, str]) -> Selection:
    """Of `size` bytes all, or the one range that the request's headers `wanted` ask for; several ranges give all."""
    answer = {**headers, "Accept-Ranges": "bytes"}
    part = _part(wanted.get("range", ""), size) if _range_holds(wanted, headers) else None
    if part is None:
        return Selection(200, 0, size, answer)
    start, stop = part
    if start >= stop:
        return Selection(416, 0, 0, answer | {"Content-Range": f"bytes */{size}"})
    return Selection(206, start, stop, answer | {"Content-Range": f"bytes {start}-{stop - 1}/{size}"})


def _range_holds(wanted: Mapping[str, str], current: Mapping[str, str]) -> bool:
    """`If-Range`: a part is only of use to somebody who has the rest of the same version."""
    condition = wanted.get("if-range")
    return condition is None or condition in {current["ETag"], current["Last-Modified"]}


def _part(header: str, size: int) -> tuple[int, int] | None:
    """Start and stop; None for a header that asks for nothing this understands."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return int(first), min(size, int(last) + 1) if last else size
