"""One call to the gateway: what is asked, and how the answer is read; the same for both clients."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

import httpx

from sais.errors import GatewayRefused, InfrastructureError, InputError, SaisError

T = TypeVar("T")
# Enough of an unexpected page to know whose it is.
EXCERPT_CHARACTERS = 200


@dataclass(frozen=True)
class FormFile:
    """A file as it goes into a form: bytes, or a path that is read while it is sent."""

    name: str
    content: bytes | Path


@dataclass(frozen=True)
class Call(Generic[T]):
    """`token` goes as the Bearer, `read` turns the body of a 2xx answer into the result.

    `body` is sent as JSON, or as the fields of a form before its `file` where there is one.
    """

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    body: Mapping[str, Any] | None = None
    token: str | None = None
    file: FormFile | None = None
    query: Mapping[str, Any] | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@contextmanager
def request_arguments(call: Call[Any]) -> Iterator[dict[str, Any]]:
    """Keyword arguments for httpx; the file is open for as long as this is. InputError when it cannot be read."""
    arguments: dict[str, Any] = {"method": call.method, "url": call.path, "headers": call.headers, "params": call.query}
    with ExitStack() as stack:
        if call.file is None:
            arguments["json"] = call.body
        else:
            content = call.file.content
            opened = content if isinstance(content, bytes) else stack.enter_context(_open(content))
            arguments |= {"data": call.body, "files": {"file": (call.file.name, opened)}}
        yield arguments


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", field="file") from error


@dataclass(frozen=True)
class Dispatched:
    """`batch` is the id to ask for; `rows` are in the order sent, rejected images among them."""

    batch: int
    rows: list[dict[str, Any]]


def checked_base_url(base_url: str) -> str:
    """The same address; InputError when httpx could not use it."""
    try:
        usable = httpx.URL(base_url).scheme in {"http", "https"}
    except httpx.InvalidURL:
        usable = False
    if not usable:
        raise InputError(f"{base_url!r} is not the address of a gateway: http://host:port", field="base_url")
    return base_url


def unreachable(base_url: object, error: httpx.TransportError) -> InfrastructureError:
    return InfrastructureError(f"no answer from the gateway at {base_url}: {error or type(error).__name__}")


def read_answer(call: Call[T], answer: httpx.Response) -> T:
    """The call's result. GatewayRefused for 3xx and 4xx, InfrastructureError for the rest."""
    if not answer.is_success:
        raise refusal(answer)
    try:
        return call.read(answer)
    except (ValueError, KeyError, TypeError) as error:
        excerpt = answer.text[:EXCERPT_CHARACTERS]
        raise InfrastructureError(f"{call.method} {call.path} got an answer of another kind: {excerpt!r}") from error


def refusal(answer: httpx.Response) -> SaisError:
    """The error that a problem+json answer stands for, or the first characters of another body."""
    problem = problem_of(answer)
    title = str(problem.get("title") or answer.reason_phrase or answer.status_code)
    detail = str(problem.get("detail") or "")
    if answer.is_server_error:
        return InfrastructureError(f"the gateway answered {answer.status_code}: {title} {detail}".rstrip())
    errors = [error for error in problem.get("errors") or () if isinstance(error, Mapping)]
    field = errors[0].get("field") if errors else None
    return GatewayRefused(answer.status_code, title, detail, errors=errors, field=None if field is None else str(field))


def problem_of(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {"detail": answer.text[:EXCERPT_CHARACTERS]}
    return problem if isinstance(problem, Mapping) else {}


def read_object(answer: httpx.Response) -> dict[str, Any]:
    value = answer.json()
    if not isinstance(value, dict):
        raise TypeError("not a JSON object")
    return value


def read_list(answer: httpx.Response) -> list[dict[str, Any]]:
    value = answer.json()
    if not isinstance(value, list):
        raise TypeError("not a JSON list")
    return value


def read_dispatched(answer: httpx.Response) -> Dispatched:
    return Dispatched(batch=int(answer.headers["X-Sais-Batch"]), rows=read_list(answer))


def read_row(answer: httpx.Response) -> Dispatched:
    """One row instead of a list of them."""
    return Dispatched(batch=int(answer.headers["X-Sais-Batch"]), rows=[read_object(answer)])


def read_batch_id(answer: httpx.Response) -> int:
    return int(read_object(answer)["batch"])


def read_replayed(answer: httpx.Response) -> int:
    return int(read_object(answer)["replayed"])


def read_tool_result(answer: httpx.Response) -> dict[str, Any]:
    """The result of a JSON-RPC request; raises the error that is there instead, as `refusal` has it."""
    told = read_object(answer)
    if "error" in told:
        problem = told["error"].get("data") or {"detail": told["error"]["message"]}
        raise refusal(httpx.Response(int(problem.get("status", httpx.codes.BAD_REQUEST)), json=problem))
    result = told["result"]
    if not isinstance(result, dict):
        raise TypeError("not a JSON object")
    return result
