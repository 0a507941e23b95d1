"""What goes wrong with S3, in our own errors and without credentials."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sais.errors import FileMissing, SaisError, StorageError

SECRET_OPTIONS = {
    *("key", "secret", "token", "username", "password"),
    *("aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
}


@contextlib.contextmanager
def told(action: str, subject: str, options: Mapping[str, Any]) -> Iterator[None]:
    """Turns every error of s3fs, botocore and aiohttp into FileMissing or StorageError.

    The cause is cut off: a traceback in a log would show the original words, with the credentials still in them.
    """
    try:
        yield
    except SaisError:
        raise
    except Exception as error:
        kind = FileMissing if _code(error) in {"NoSuchKey", "404"} else StorageError
        words = without_credentials(_words(error), options)
        raise kind(f"cannot {action} {subject}: {words}") from None


def without_credentials(words: str, options: Mapping[str, Any]) -> str:
    for secret in _secrets(options):
        words = words.replace(secret, "***")
    return re.sub(r"://[^/@\s]+@", "://", words)


def _secrets(options: Mapping[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _secrets(value)
        elif name in SECRET_OPTIONS and value:
            yield str(value)


def _answer(error: BaseException) -> Mapping[str, Any]:
    """The server's own `Code` and `Message`; s3fs keeps botocore's error as the cause of its translation."""
    response = getattr(error, "response", None) or getattr(error.__cause__, "response", None) or {}
    answer: Mapping[str, Any] = response.get("Error", {})
    return answer


def _code(error: BaseException) -> str:
    return str(_answer(error).get("Code", ""))


def _words(error: BaseException) -> str:
    answer = _answer(error)
    said = ": ".join(str(part) for part in (answer.get("Code"), answer.get("Message")) if part)
    return said or str(error) or type(error).__name__
