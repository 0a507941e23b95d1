"""Which paths are taken at all. One set of rules for every storage, so that files can move from one to another."""

from sais.errors import StorageError
from sais.whole_files import PARTIAL_PREFIX

SEGMENT_BYTES = 255  # the longest file name on Linux
PATH_BYTES = 900  # S3 keys end at 1,024, and the storage's own prefix comes before


def checked_path(path: str) -> str:
    """The same path, or StorageError for one that is not a plain relative POSIX path."""
    problem = _problem(path)
    if problem:
        raise StorageError(f"refused path {path[:200]!r}: {problem}")
    return path


def checked_prefix(prefix: str) -> str:
    """As `checked_path`, for the folder of a listing: empty means everything, one `/` at the end is taken."""
    return checked_path(prefix.removesuffix("/")) if prefix else ""


def _problem(path: str) -> str | None:
    # S3 answers listings in XML, which cannot carry control characters.
    if "\\" in path or not path.isprintable():
        return "a backslash, or a character that cannot be printed"
    if len(path.encode()) > PATH_BYTES:
        return f"longer than {PATH_BYTES} bytes"
    return next(filter(None, map(_segment_problem, path.split("/"))), None)


def _segment_problem(segment: str) -> str | None:
    if segment in {"", ".", ".."}:
        return "absolute, or with an empty, `.` or `..` segment"
    if segment.startswith(PARTIAL_PREFIX):
        return f"names that start with {PARTIAL_PREFIX} are for unfinished files"
    if len(segment.encode()) > SEGMENT_BYTES:
        return f"a segment longer than {SEGMENT_BYTES} bytes"
    return None
