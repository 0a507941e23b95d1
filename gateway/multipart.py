"""Reading multipart/form-data as it arrives: small fields whole, files in pieces, nothing kept on disk or in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from fastapi import HTTPException, Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

FIELD_BYTES = 256 * 1024
MOST_PARTS = 1000


@dataclass(frozen=True)
class FormField:
    name: str
    value: str


@dataclass(frozen=True)
class FileStart:
    """The `bytes` that follow are this file's, up to the next event of another kind."""

    name: str
    file_name: str


FormEvent = FormField | FileStart | bytes


def is_multipart(request: Request) -> bool:
    return _content_type(request)[0] == b"multipart/form-data"


async def read_form(request: Request) -> AsyncIterator[FormEvent]:
    """In the order sent. Raises HTTPException: 422 for no multipart body or an early end, 413 for a large field."""
    boundary = _content_type(request)[1].get(b"boundary")
    if not is_multipart(request) or not boundary:
        raise HTTPException(422, "the body must be multipart/form-data with a boundary")
    events = _Events()
    try:
        parser = MultipartParser(boundary, events.callbacks())  # type: ignore[arg-type]
        async for chunk in request.stream():
            parser.write(chunk)
            for event in events.taken():
                yield event
    except FormParserError as error:
        raise HTTPException(422, f"the multipart body cannot be read: {error}") from None
    except ClientDisconnect:
        raise HTTPException(422, "the body ended early") from None
    if not events.ended:
        raise HTTPException(422, "the multipart body ended before its last boundary")


def _content_type(request: Request) -> tuple[bytes, dict[bytes, bytes]]:
    return parse_options_header(request.headers.get("content-type", ""))


@dataclass
class _Events:
    """What the parser's callbacks have told since it was last asked."""

    ended: bool = False
    _events: list[FormEvent] = field(default_factory=list)
    _parts: int = 0
    _header: bytes = b""
    _value: bytes = b""
    _disposition: bytes = b""
    _name: str = ""
    _is_file: bool = False
    _held: bytearray = field(default_factory=bytearray)

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._add_header,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_data,
            "on_part_data": self._add_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def taken(self) -> list[FormEvent]:
        events, self._events = self._events, []
        return events

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise HTTPException(413, f"more than {MOST_PARTS} parts in the form")
        self._disposition = b""
        self._held = bytearray()

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _begin_data(self) -> None:
        options = parse_options_header(self._disposition)[1]
        if b"name" not in options:
            raise HTTPException(422, "a part of the form has no name")
        self._name = options[b"name"].decode("utf-8", "replace")
        self._is_file = b"filename" in options
        if self._is_file:
            self._events.append(FileStart(self._name, options[b"filename"].decode("utf-8", "replace")))

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._events.append(data[start:end])
            return
        self._held += data[start:end]
        if len(self._held) > FIELD_BYTES:
            raise HTTPException(413, f"a field of the form is larger than {FIELD_BYTES} bytes")

    def _end_part(self) -> None:
        if self._is_file:
            return
        try:
            self._events.append(FormField(self._name, self._held.decode()))
        except UnicodeDecodeError:
            raise HTTPException(422, "a field of the form is not UTF-8") from None

    def _end(self) -> None:
        self.ended = True
