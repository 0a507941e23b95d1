"""What an export consists of: four kinds of rows, each in a file of its own, in the order in which they refer back."""

from collections.abc import Iterable
from enum import StrEnum

from sais.errors import InputError

SIGN = "sais.json"  # an export has it once it is whole
FORMAT, VERSION = "sais", 1


class Kind(StrEnum):
    ACCOUNTS = "accounts"
    PRESETS = "presets"
    MEDIA = "media"
    THUMBS = "thumbs"

    @property
    def files(self) -> tuple[str, ...]:
        """Under which names the rows are looked for; ours is the first, `users.ndjson` is the predecessor's."""
        return ("accounts.ndjson", "users.ndjson") if self == Kind.ACCOUNTS else (f"{self}.ndjson",)

    @property
    def file(self) -> str:
        return self.files[0]


def chosen_kinds(names: Iterable[str]) -> tuple[Kind, ...]:
    """In their order; all without `names`. Raises InputError for an unknown one."""
    wanted = [name.strip() for name in names if name.strip()]
    unknown = [name for name in wanted if name not in {*Kind}]
    if unknown:
        raise InputError(f"only: {unknown[0]!r} is none of {', '.join(Kind)}", field="only")
    return tuple(kind for kind in Kind if not wanted or kind in wanted)
