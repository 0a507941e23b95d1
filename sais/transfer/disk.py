"""What the disk has against an export or import, as an error of ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sais.errors import StorageError


@contextmanager
def told(action: str, place: Path) -> Iterator[None]:
    """Raises StorageError for a full disk, a folder that may not be written, and the like."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot {action} {place}: {error.strerror or error}") from error
