"""Work that is not left in the middle."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")


async def to_its_end(work: Awaitable[Result]) -> Result:
    """Who is cancelled while waiting here waits on, however often, and is cancelled when the work has come to its end.

    For saving: what is half saved when a run is told to end would be done again by the next one.
    """
    working = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not working.done():
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        # Its own error would hide that somebody wants an end.
        if not working.cancelled():
            working.exception()
        raise cancelled
    return working.result()
