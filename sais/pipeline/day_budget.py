"""What an account may still download today."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import Connection

from sais.catalog.accounts import get_account
from sais.catalog.usage import add_bytes, bytes_of_day
from sais.errors import DayIsSpent
from sais_models.columns import utc_now


class DayBudget:
    """For one chunk, of which at most `at_once` images download together: what is under way is not stopped, and may
    go over the limit."""

    def __init__(self, limit: int | None, spent: int, at_once: int) -> None:
        self._limit = limit
        self._left = None if limit is None else limit - spent
        self._unsaved = 0
        self._turns = asyncio.Semaphore(at_once)

    @classmethod
    def of(cls, connection: Connection, root: str, at_once: int) -> "DayBudget":
        limit = get_account(connection, root).daily_bytes_limit
        return cls(limit, 0 if limit is None else bytes_today(connection, root), at_once)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Around one download. Raises DayIsSpent (`quota_bytes`)."""
        if self._left is None:
            yield
            return
        async with self._turns:
            if self._left <= 0:
                seconds = until_tomorrow(utc_now())
                raise DayIsSpent("quota_bytes", "the account's bytes of today are used up", retry_after=seconds)
            yield

    def spend(self, size: int) -> None:
        self._unsaved += size
        if self._left is not None:
            self._left -= size

    def take_unsaved(self) -> int:
        """Bytes that are to be written down now."""
        taken, self._unsaved = self._unsaved, 0
        return taken

    def see(self, spent: int) -> None:
        """`spent` by all runs of the account, as it is written down."""
        if self._limit is not None:
            self._left = self._limit - spent - self._unsaved


def bytes_today(connection: Connection, root: str) -> int:
    return bytes_of_day(connection, root, utc_now().date())


def note_bytes(connection: Connection, root: str, downloaded: int) -> int:
    """Adds them to today's; how many those are now."""
    if downloaded:
        add_bytes(connection, root, utc_now().date(), downloaded)
    return bytes_today(connection, root)


def until_tomorrow(now: datetime) -> float:
    """Seconds to midnight, UTC."""
    midnight = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    return (midnight - now).total_seconds()
