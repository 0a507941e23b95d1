"""Ages as people write them: `7d`, `12h`, `30m`, `45s`."""

import re
from datetime import timedelta

from sais.errors import InputError

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def parse_age(text: str) -> timedelta:
    """Raises InputError."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)([dhms])", text.strip())
    if found is None:
        raise InputError(f"{text[:40]!r} is no age; write it as 7d, 12h, 30m or 45s", field="age")
    return timedelta(**{UNITS[found[2]]: float(found[1])})
