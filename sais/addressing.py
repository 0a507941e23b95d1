"""Codes, layouts and paths: where every file of an account lives (contract: identity and addresses)."""

import re
from urllib.parse import urlsplit

import xxhash

from sais.errors import InputError
from sais_models import Layout

ROOT_PATTERN = r"^[a-z0-9][a-z0-9_-]{2,49}$"
OCTAL3_FROM = 1_000_000
GROUPS = 64
DIRECTORIES = {Layout.OCTAL2: 8**2, Layout.OCTAL3: 8**3, Layout.HEX22: 16**4}


def check_root(root: str) -> str:
    """Returns `root`; raises InputError unless it is 3 to 50 of `a-z 0-9 _ -` starting with a letter or digit."""
    if not re.fullmatch(ROOT_PATTERN, root):
        raise InputError(
            f"root {root[:60]!r} must be 3 to 50 of a-z 0-9 _ -, starting with a letter or digit",
            field="root",
        )
    return root


def code_of(url: str, root: str) -> str:
    """The identity of `url` in the account `root`: 16 hex digits, for ever the same."""
    return xxhash.xxh3_64_hexdigest((url + root).encode())


def receiver_of(url: str) -> str:
    """Scheme, host and port of a callback: what is up or down together. The whole `url` if it has no such parts."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    server = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme.lower()}://{server}" if server else url


def default_layout(approx: int) -> Layout:
    """64 directories, or 512 when more than a million images are expected."""
    return Layout.OCTAL3 if approx > OCTAL3_FROM else Layout.OCTAL2


def stem_of(root: str, code: str, layout: Layout) -> str:
    """The path of an original without its extension."""
    bits = int(code, 16)
    match layout:
        case Layout.OCTAL2:
            return f"{root}/{bits >> 58:02o}/{code}"
        case Layout.OCTAL3:
            return f"{root}/{bits >> 55:03o}/{code}"
        case Layout.HEX22:
            return f"{root}/{code[:2]}/{code[2:4]}/{code[4:]}"


def directories_of(layout: Layout) -> list[list[str]]:
    """The names of an account's directories in 64 groups, each of the codes whose top 6 bits are its number."""
    match layout:
        case Layout.OCTAL2:
            return [[f"{group:02o}"] for group in range(GROUPS)]
        case Layout.OCTAL3:
            return [[f"{8 * group + number:03o}" for number in range(8)] for group in range(GROUPS)]
        case Layout.HEX22:
            return [[f"{4 * group + number:02x}" for number in range(4)] for group in range(GROUPS)]


def codes_of(group: int) -> tuple[str, str]:
    """From the first code of a group to before the second one returned; `g` is behind every hex digit."""
    return f"{group << 58:016x}", f"{group + 1 << 58:016x}" if group + 1 < GROUPS else "g"


def path_of(root: str, code: str, layout: Layout, ext: str) -> str:
    """The path of an original under every storage; `ext` follows the bytes, not the URL."""
    return f"{stem_of(root, code, layout)}.{ext}"


def thumb_path(preset: str, path: str) -> str:
    """The path of a thumb under the thumb cache."""
    return f"{preset}/{path}"


def thumb_url(public_url: str, preset: str, path: str) -> str:
    """The public address of a thumb; a client can build it without asking."""
    return f"{public_url.rstrip('/')}/media/cache/{preset}/{path}"


def batch_page_url(public_url: str, batch_id: int) -> str:
    return f"{public_url.rstrip('/')}/ui/batches/{batch_id}"
