"""When the sweep tries again what failed for a reason that may pass."""

import random
from datetime import datetime, timedelta

from sais.errors import MediaError, TransientMediaError
from sais_models import Media
from sais_models.columns import utc_now

MINUTE, HOUR = 60.0, 3_600.0
# A server that is restarted, one that is repaired, one that is repaired tomorrow. After the last it stays failed.
PAUSES = (5 * MINUTE, 30 * MINUTE, 2 * HOUR, 8 * HOUR, 24 * HOUR)
# Ten thousand images that failed together do not come back together.
JITTER = 0.2


def next_retry(now: datetime, retries: int, *, retry_after: float | None = None) -> datetime | None:
    """After `retries` sweeps; never before the `retry_after` seconds that the origin asked for. None: no more."""
    if retries >= len(PAUSES):
        return None
    pause = PAUSES[retries] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    return now + timedelta(seconds=max(pause, retry_after or 0.0))


def retry_time(media: Media, error: MediaError) -> datetime | None:
    """For a media that has failed now; None too when trying again cannot help."""
    if not error.retryable:
        return None
    retry_after = error.retry_after if isinstance(error, TransientMediaError) else None
    return next_retry(utc_now(), media.retries, retry_after=retry_after)
