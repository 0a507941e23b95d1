"""Taking in a form with one file: the fields checked like a JSON body, the file straight to disk."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BeforeValidator, Field, ValidationError

from gateway.json_bodies import parse
from gateway.multipart import FileStart, FormField, read_form
from sais.fetching.whole_file import WholeFile
from sais_models.wire import Wire

FILE = "file"
FILTERS = ("filters", "filters[]")
Fields = dict[str, list[str]]


def _names(value: Any) -> list[Any]:
    """`["small,medium"]`, `["small", "medium"]` and `['["small"]']` are the same."""
    names: list[Any] = []
    for text in value if isinstance(value, list) else [str(value)]:
        listed = parse(text.encode()) if text.lstrip().startswith("[") else text.split(",")
        names.extend(name.strip() if isinstance(name, str) else name for name in listed)
    return [name for name in names if name != ""]


def _json_object(value: object) -> object:
    return parse(value.encode()) if isinstance(value, str) else value


class FileForm(Wire):
    """The fields beside a file, or the query beside a body that is one."""

    root: str | None = None
    filters: Annotated[list[str], BeforeValidator(_names)] = Field(default_factory=list)
    context: Annotated[dict[str, Any], BeforeValidator(_json_object)] = Field(default_factory=dict)
    media_callback_url: str | None = None
    thumb_callback_url: str | None = None
    api_key: str | None = None


class UploadForm(FileForm):
    wait: bool = False


Form = TypeVar("Form", bound=FileForm)


@dataclass
class Received:
    """`file` is written, and not kept yet; None when none was sent."""

    fields: Fields = field(default_factory=dict)
    file: WholeFile | None = None
    file_name: str = ""

    def add(self, name: str, value: str) -> None:
        self.fields.setdefault(name, []).append(value)

    def form(self, kind: type[Form]) -> Form:
        return form_of(self.fields, kind)


Destination = Callable[[Received], Awaitable[WholeFile]]


async def receive(request: Request, stack: ExitStack, destination: Destination) -> Received:
    """Reads the whole form; `destination` is asked, with the fields so far, where the file goes.

    Raises HTTPException for a form that cannot be read, and what `destination` and the file raise. `stack` closes the
    file, which removes it when it was not kept.
    """
    received = Received()
    async for event in read_form(request):
        match event:
            case FormField(name, value):
                received.add(name, value)
            case FileStart(name, file_name):
                if name != FILE or received.file is not None:
                    raise _invalid(name, f"one file is expected, as `{FILE}`")
                received.file_name = file_name
                received.file = stack.enter_context(await destination(received))
            case bytes() if received.file is not None:
                received.file.write(event)
    if received.file is None:
        raise _invalid(FILE, "no file was sent")
    return received


def form_of(fields: Mapping[str, Sequence[str]], kind: type[Form]) -> Form:
    """Raises RequestValidationError, as a JSON body does."""
    values: dict[str, Any] = {}
    for name, given in fields.items():
        if name in FILTERS:
            values.setdefault("filters", []).extend(given)
        elif len(given) > 1:
            raise _invalid(name, "given more than once")
        else:
            values[name] = given[0]
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from None


def _invalid(name: str, words: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", name), "msg": words, "type": "value_error"}])


def form_schema(*required: str, **more: dict[str, str]) -> dict[str, Any]:
    """What OpenAPI says of such a form, with `more` fields; the reader above is not one that FastAPI knows."""
    text = {"type": "string"}
    properties = {
        FILE: {"type": "string", "format": "binary"},
        "root": text,
        "filters": {"type": "array", "items": text},
        "context": {"type": "string", "contentMediaType": "application/json"},
        "mediaCallbackUrl": text,
        "thumbCallbackUrl": text,
        "apiKey": text,
        **more,
    }
    return {"schema": {"type": "object", "properties": properties, "required": [FILE, *required]}}


def check_length(request: Request, most: int) -> None:
    """Raises 413 before a byte is read where the client says how many there are."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length[:20]) > most:
        raise HTTPException(413, f"the body is larger than {most} bytes")
