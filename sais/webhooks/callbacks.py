"""Callback addresses go through the same guard as image addresses."""

from sais.errors import InputError, PermanentMediaError
from sais.fetching import Guard


def check_callbacks(guard: Guard, **callbacks: str | None) -> None:
    """Raises InputError naming the wire field of the first address that could never be called."""
    for field, url in callbacks.items():
        if url is None:
            continue
        try:
            guard.check_url(url)
        except PermanentMediaError as error:
            raise InputError(
                f"{field}: {error.reason}; it must be an http or https address of a public host, "
                "or of one that SAIS_ALLOW_HOSTS names",
                field=field,
            ) from error
