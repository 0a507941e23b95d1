"""From a storage's address to the storage."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import url2pathname

from sais.errors import SettingsError
from sais.storage.interface import Storage
from sais.storage.local_folder import LocalFolder


def open_storage(url: str, options: Mapping[str, Any] | None = None) -> Storage:
    """For `async with`: a folder for `file:///…`, a bucket for `s3://bucket/prefix`.

    `options` are s3fs keyword arguments (`key`, `secret`, `token`, `endpoint_url`, `client_kwargs` …); a folder needs
    none. Raises SettingsError for an address of another kind.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise SettingsError("credentials do not belong in a storage URL; give them as options", field="url")
    if parts.scheme == "file":
        return LocalFolder(_folder(parts))
    if parts.scheme == "s3" and parts.netloc:
        # s3fs takes 0.3 s of CPU to import, at each start of a run.
        from sais.storage.s3_bucket import S3Bucket  # noqa: PLC0415

        return S3Bucket(parts.netloc, parts.path.strip("/"), options or {})
    raise SettingsError(f"{url!r} is not a storage: give file:///folder or s3://bucket/prefix", field="url")


def _folder(parts: SplitResult) -> Path:
    folder = Path(url2pathname(parts.path))
    if parts.netloc not in {"", "localhost"} or not folder.is_absolute():
        raise SettingsError("a file URL has three slashes and an absolute path: file:///folder", field="url")
    return folder
