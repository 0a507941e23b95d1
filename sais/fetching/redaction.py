"""What may be said of a URL in a log line or an error: never its query, fragment or userinfo, they may hold tokens."""

from urllib.parse import urlsplit

LONGEST = 200


def redact_url(url: object) -> str:
    """`https://user:secret@a.example/x.jpg?token=1` → `https://a.example/x.jpg`, cut to 200 characters.

    Takes anything whose `str()` is a URL, and never raises: what is not a URL gives `(not a URL)`.
    """
    try:
        parts = urlsplit(str(url))
    except ValueError:
        return "(not a URL)"
    if not parts.scheme or not parts.netloc:
        return "(not a URL)"
    host = parts.netloc.rpartition("@")[2]
    shown = f"{parts.scheme}://{host}{parts.path}"[:LONGEST]
    # A control character in a path would forge log lines.
    return "".join(character if character.isprintable() else "?" for character in shown)
