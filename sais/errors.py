"""Every error that SAIS raises, in one tree. Permanent or transient is said by the class, where the error is born.

SaisError
├── InputError                 bad input, told before anything starts; `field` names the culprit
│   ├── UnknownAccount
│   ├── UnknownPreset
│   ├── EmptyBatch
│   ├── ManifestError
│   ├── SettingsError
│   ├── Unauthorized           an unknown account or a wrong key: which of them is not told
│   ├── Forbidden              a good key, for something that belongs to another account
│   ├── AccountConflict        a change that would break what an account holds already
│   ├── QueueFull              more images would wait than the account's limit allows; later they may
│   └── GatewayRefused         what a client is told when the gateway answers with a problem
├── MediaError                 one image's own trouble: data on its row (`reason`), never a failed run
│   ├── PermanentMediaError    asking again will not help
│   │   ├── BadUrl             bad_url, bad_scheme, url_too_long
│   │   ├── CodeCollision      code_collision
│   │   ├── RefusedHost        refused_host
│   │   ├── RefusedByOrigin    http_404, http_410, empty, bad_redirect, too_many_redirects, tls,
│   │   │                      robots_disallowed, x_robots_noai …
│   │   ├── OverQuota          quota_images, quota_queued
│   │   ├── TooBig             too_big, too_many_pixels
│   │   ├── NotAnImage         not_image, kind_changed
│   │   └── CorruptImage       corrupt
│   └── TransientMediaError    worth another try: dns, connect, timeout, read, incomplete, http_429, http_503,
│       │                      host_paused, out_of_memory …
│       └── DayIsSpent         quota_bytes: not before tomorrow
├── UnfinishedChunk            some of a chunk's images failed transiently; try the rest of it again
└── InfrastructureError        the database, a storage or Prefect: the task is retried, then the run fails
    ├── StorageError
    │   └── FileMissing
    └── PrefectUnavailable
        └── PrefectBusy
"""

from collections.abc import Mapping, Sequence


class SaisError(Exception):
    """The root of the tree."""


class InputError(SaisError):
    """`field` is the parameter or key at fault, the message says the problem and what would be right."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class UnknownAccount(InputError):
    """No account has this root."""


class UnknownPreset(InputError):
    """A preset name that does not exist; the message names those that do."""


class EmptyBatch(InputError):
    """Nothing to do: no URL, no manifest, no batch."""


class ManifestError(InputError):
    """A manifest that cannot be read, or that has no column of URLs."""


class Unauthorized(InputError):
    """An unknown account or a wrong key."""


class Forbidden(InputError):
    """A key of one account, used for another."""


class AccountConflict(InputError):
    """A change that would break what an account holds already."""


class SettingsError(InputError):
    """A setting that cannot work."""


class QueueFull(InputError):
    """Nothing of the request was taken; `retry_after` seconds are a good time to wait."""

    def __init__(self, message: str, *, field: str | None = None, retry_after: int = 60) -> None:
        super().__init__(message, field=field)
        self.retry_after = retry_after


class GatewayRefused(InputError):
    """The gateway's no (RFC 9457): HTTP `status`, `title`, `detail`, and in `errors` one for each bad field."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, object]] = (),
        field: str | None = None,
    ) -> None:
        super().__init__(f"{title}: {detail}" if detail else title, field=field)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors


class MediaError(SaisError):
    """`reason` is the code on the row; `status_code` the origin's answer when there was one."""

    retryable: bool = False

    def __init__(self, reason: str, message: str = "", *, status_code: int | None = None) -> None:
        super().__init__(message or reason)
        self.reason = reason
        self.status_code = status_code


class PermanentMediaError(MediaError):
    """Asking again will not help."""


class BadUrl(PermanentMediaError):
    """Not an address that can be fetched."""


class CodeCollision(PermanentMediaError):
    """Another URL has this code already; one is never served for the other."""


class RefusedHost(PermanentMediaError):
    """A private, local or otherwise reserved address that `SAIS_ALLOW_HOSTS` does not name."""


class RefusedByOrigin(PermanentMediaError):
    """The origin's final no."""


class OverQuota(PermanentMediaError):
    """One image more than the account may have, or may have waiting."""


class TooBig(PermanentMediaError):
    """More bytes or more pixels than the settings allow."""


class NotAnImage(PermanentMediaError):
    """Bytes of no format that SAIS keeps."""


class CorruptImage(PermanentMediaError):
    """An image by its first bytes that cannot be decoded."""


class TransientMediaError(MediaError):
    """Worth another try, later."""

    retryable = True

    def __init__(
        self, reason: str, message: str = "", *, status_code: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(reason, message, status_code=status_code)
        self.retry_after = retry_after


class DayIsSpent(TransientMediaError):
    """The account's bytes of the day are used up; no retry of this run will help, tomorrow's will."""


class UnfinishedChunk(SaisError):
    """Everything else in the chunk is done and saved; `left` images are worth another try."""

    def __init__(self, step: str, left: int) -> None:
        super().__init__(f"{step}: {left} image(s) left to try again")
        self.left = left


class InfrastructureError(SaisError):
    """Not the image's fault."""


class StorageError(InfrastructureError):
    """A storage did not do what it was asked to."""


class FileMissing(StorageError):
    """No file under this path."""


class PrefectUnavailable(InfrastructureError):
    """The Prefect API cannot be reached, or has no such deployment."""


class PrefectBusy(PrefectUnavailable):
    """It answers, but 429 or 503 each time; later it will have time."""
