"""What each reason on a row means in plain words, and what its owner can do about it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from sais.errors import InputError
from sais.fetching.failures import TRANSIENT_STATUSES

SEND_AGAIN = "Send the image again later; `sais iterate` does it for all that may succeed."
CHECK_ADDRESS = "Open the address in a browser without signing in; correct it at its source, then send it again."

# Nothing is left to make thumbs from.
LOST = "original_lost"


@dataclass(frozen=True)
class Explanation:
    """`retryable`: the same address may succeed later without anybody's help."""

    reason: str
    means: str
    remedy: str
    retryable: bool = False


_PERMANENT = {
    "bad_url": ("This is no address that can be fetched.", "Send a whole address: https://host/path."),
    "bad_scheme": ("The address is neither http nor https.", "Publish the image at an https address, or upload it."),
    "url_too_long": ("The address is longer than SAIS takes.", "Send a shorter address of the same image."),
    "code_collision": (
        "Another address has this image's code already.",
        "Change the address a little, for example by a query parameter that its server ignores.",
    ),
    "refused_host": (
        "The host is private, local or reserved, and SAIS does not ask such hosts.",
        "Publish the image at a public host, or have the operator name its host in SAIS_ALLOW_HOSTS.",
    ),
    "empty": ("The server answered without a body.", CHECK_ADDRESS),
    "bad_redirect": ("The server sent us on to something that is no address.", CHECK_ADDRESS),
    "too_many_redirects": ("The server sent us on too many times.", "Send the address at which the redirects end."),
    "tls": (
        "The server's certificate is not valid for its name, or has run out.",
        "Have the server's owner renew the certificate, or send the address under the name that the certificate has.",
    ),
    "too_big": ("The file has more bytes than SAIS_MAX_BYTES.", "Send a smaller file, or have the limit raised."),
    "too_many_pixels": (
        "The picture has more pixels than SAIS_MAX_PIXELS.",
        "Send a smaller picture, or have the limit raised.",
    ),
    "not_image": (
        "What came is no image of a format that SAIS keeps; often it is a page that says sorry.",
        CHECK_ADDRESS,
    ),
    "corrupt": ("It begins like an image, but it cannot be decoded.", "Replace the file at its source; send it again."),
    "robots_disallowed": (
        "The site's robots.txt tells us not to fetch this address, and SAIS_ROBOTS is `respect`.",
        "Have the site's owner allow SAIS in its robots.txt, or upload the image.",
    ),
    "x_robots_noai": (
        "The answer's X-Robots-Tag forbids to use it, and SAIS_X_ROBOTS is `respect`.",
        "Have the site's owner take the tag away for SAIS, or upload the image.",
    ),
    "quota_images": (
        "The account has as many images as it may have.",
        "Have the operator raise the account's limit with `sais limits`, then send the image again.",
    ),
    "quota_queued": (
        "The account had as many images waiting as it may have when this line of a manifest was read.",
        "Send the image again when fewer wait, or have the operator raise the limit with `sais limits`.",
    ),
    "cancelled": ("Its batch was cancelled before it was done.", "Send the image again if it is wanted after all."),
    LOST: (
        "The original is neither in the local folder nor in the archive.",
        "Send the image again: it is fetched anew. If it was uploaded, upload the file again.",
    ),
    "deleted": ("The image was deleted before its work was done.", "Send it again if it should be there after all."),
    "kind_changed": (
        "The address gives an image where it gave sound or a film before, or the other way round.",
        "Send it under another address; what is kept under this one stays as it was.",
    ),
    "upload_lost": ("The uploaded original is not in the archive.", "Upload the file again."),
}
_TRANSIENT = {
    "dns": "The host's name could not be resolved.",
    "connect": "The server did not take the connection.",
    "timeout": "The server took too long.",
    "read": "The connection broke off, or what came was not HTTP.",
    "incomplete": "The server ended before the whole image had come.",
    "host_paused": "The host failed or asked for a pause, so it was left alone and this image was not asked for.",
    "quota_bytes": "The account has downloaded as many bytes as it may on one day (UTC).",
    "out_of_memory": "There was not enough memory for this picture at that moment.",
}
_STATUS_REMEDIES = {
    HTTPStatus.UNAUTHORIZED: "The image must be readable without signing in; publish it, or upload it.",
    HTTPStatus.FORBIDDEN: "The server does not let us have the image; have its owner allow SAIS, or upload it.",
    HTTPStatus.NOT_FOUND: CHECK_ADDRESS,
    HTTPStatus.GONE: "The image was removed for good: take it out of your list, or send its new address.",
    HTTPStatus.TOO_MANY_REQUESTS: "The server wants fewer requests. " + SEND_AGAIN,
}


def explain(reason: str) -> Explanation | None:
    """None for a word that SAIS never gives as a reason."""
    if reason in _PERMANENT:
        return Explanation(reason, *_PERMANENT[reason])
    if reason in _TRANSIENT:
        return Explanation(reason, _TRANSIENT[reason], SEND_AGAIN, retryable=True)
    if reason.startswith("http_"):
        return _explain_status(reason)
    return None


def known_reasons() -> list[str]:
    """All but `http_NNN`, which there is for every status."""
    return [*_PERMANENT, *_TRANSIENT]


def passing_reasons() -> list[str]:
    """After which the same address may succeed; without the statuses of an origin."""
    return list(_TRANSIENT)


def may_pass(reason: str) -> bool:
    """Whether the same address may succeed later without anybody's help."""
    found = explain(reason)
    return found is not None and found.retryable


# A class is named wherever a reason is, and stands for each of its reasons.
CLASSES: Mapping[str, Callable[[str], bool]] = {
    "all": lambda reason: True,
    "passing": may_pass,
    "permanent": lambda reason: not may_pass(reason),
    "network": lambda reason: reason in {"dns", "connect", "timeout", "read", "incomplete", "tls", "host_paused"},
    "http_4xx": lambda reason: re.fullmatch(r"http_4\d\d", reason) is not None,
    "http_5xx": lambda reason: re.fullmatch(r"http_5\d\d", reason) is not None,
}


def chosen_reasons(words: Sequence[str], reasons: Iterable[str]) -> set[str]:
    """Those of `reasons` that one of `words` names, exactly or by its class; no words: all that may pass.

    Raises InputError for a word that is neither.
    """
    for word in words:
        if word not in CLASSES and explain(word) is None:
            raise InputError(
                f"{word[:60]!r} is neither a reason nor a class of reasons; there are the classes "
                f"{', '.join(CLASSES)}, and http_NNN, {', '.join(known_reasons())}",
                field="reasons",
            )
    asked = words or ["passing"]
    return {reason for reason in reasons if any(reason == word or _is_in(reason, word) for word in asked)}


def _is_in(reason: str, word: str) -> bool:
    return word in CLASSES and CLASSES[word](reason)


def _explain_status(reason: str) -> Explanation | None:
    try:
        status = HTTPStatus(int(reason.removeprefix("http_")))
    except ValueError:
        return None
    retryable = status in TRANSIENT_STATUSES
    return Explanation(
        reason,
        f"The server answered {status.value} {status.phrase}.",
        _STATUS_REMEDIES.get(status, SEND_AGAIN if retryable else CHECK_ADDRESS),
        retryable,
    )
