"""Is a line a row that can be taken? Pure: bytes in, a checked line or the problem in words out."""

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Never

from pydantic import ValidationError

from sais.addressing import check_root, code_of, stem_of
from sais.errors import InputError, StorageError
from sais.storage import checked_path
from sais.transfer.kinds import Kind
from sais.transfer.lines import KNOWN_KEYS, LINES, AccountLine, Line, MediaLine
from sais_models import Layout

WORDS = 200


class BadLine(Exception):
    """What is wrong with a line."""


def judge(kind: Kind, data: bytes | None) -> tuple[Line, set[str]]:
    """The line, and the keys in it that nobody knows. Raises BadLine."""
    row = _object(data)
    _check_text(data or b"", row)
    try:
        line = LINES[kind].model_validate(row)
    except ValidationError as error:
        raise BadLine(_words(error)) from error
    if isinstance(line, AccountLine):
        _check_account(line)
    if isinstance(line, MediaLine):
        _check_media(line)
    return line, row.keys() - KNOWN_KEYS[kind]


def owner_of(line: MediaLine) -> str:
    return line.root or line.user_code or ""


def layout_of(path: str) -> Layout | None:
    """The layout that gives a media this path; None when it is none of ours."""
    root, _, rest = path.partition("/")
    stem = str(PurePosixPath(rest).with_suffix("")) if rest else ""
    for layout in Layout:
        code = stem.replace("/", "") if layout == Layout.HEX22 else stem.rpartition("/")[2]
        if len(code) == 16 and set(code) <= set("0123456789abcdef") and stem_of(root, code, layout) == f"{root}/{stem}":  # noqa: PLR2004
            return layout
    return None


def _object(data: bytes | None) -> dict[str, Any]:
    if data is None:
        raise BadLine("longer than any row is")
    try:
        row = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadLine("not JSON") from error
    if not isinstance(row, dict):
        raise BadLine("not a JSON object")
    return row


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


def _check_text(data: bytes, row: dict[str, Any]) -> None:
    """PostgreSQL keeps no NUL, and half a surrogate pair is no text: both are rare, and looked for only then."""
    lowered = data.lower()
    if b"\\u0000" in lowered and any("\0" in text for text in _texts(row)):
        raise BadLine("a NUL character")
    if b"\\ud" in lowered and any(not _encodes(text) for text in _texts(row)):
        raise BadLine("half a surrogate pair")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _words(error: ValidationError) -> str:
    """The first thing that is wrong: the key, and what would be right. Never the value: it may be a secret."""
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{key} is missing"
    return f"{key}: {first['msg']}"[:WORDS]


def _check_account(line: AccountLine) -> None:
    try:
        check_root(line.root)
    except InputError as error:
        raise BadLine(str(error)) from error


def _check_media(line: MediaLine) -> None:
    root = owner_of(line)
    if not root:
        raise BadLine("root is missing")
    if line.user_code is not None and line.user_code != root:
        raise BadLine("root and userCode are not the same account")
    if code_of(line.original_url, root) != line.code:
        raise BadLine("code is not of this originalUrl and root")
    if line.path is not None:
        try:
            checked_path(line.path)
        except StorageError as error:
            raise BadLine("path is no plain relative path") from error
        if not line.path.startswith(f"{root}/"):
            raise BadLine("path is not below the account's root")
