"""Prefect's server looks into its own queue less often (docs/decisions/0036).

On SQLite the queue (docket) is in the server's memory. At docket's own intervals, for which Prefect has no setting, it
is looked into 18 times a second, ten of these through a thread: half of what an idle server does. It holds sweeps, of
5 s and longer, and what a request leaves to do after its answer, for which nobody has to look: it wakes the worker.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from functools import partial, wraps
from typing import Any

PATIENCE = timedelta(seconds=2)

GetMessage = Callable[..., Coroutine[Any, Any, dict[str, Any] | None]]


def ask_less_often() -> None:
    """For servers that this process starts."""
    from prefect.server.api import background_workers as server  # noqa: PLC0415  imports a whole server

    worker = partial(
        server.Worker,  # type: ignore[attr-defined]
        minimum_check_interval=PATIENCE,
        scheduling_resolution=PATIENCE,
    )
    server.Worker = worker  # type: ignore[attr-defined, assignment]
    with suppress(ImportError):  # another version of docket has another queue
        from burner_redis import PubSub  # type: ignore[import-untyped]  # noqa: PLC0415  as above

        PubSub.get_message = without_thread(PubSub.get_message)


def without_thread(get_message: GetMessage) -> GetMessage:
    """Where `get_message` waits in a thread, however shortly, this looks again after PATIENCE."""

    @wraps(get_message)
    async def patient(
        self: Any,
        ignore_subscribe_messages: bool = False,
        timeout: float | None = 0.0,  # noqa: ASYNC109  as redis has it
    ) -> dict[str, Any] | None:
        if not timeout:
            return await get_message(self, ignore_subscribe_messages, timeout)
        message = await get_message(self, ignore_subscribe_messages, 0.0)
        if message is None:
            await asyncio.sleep(max(timeout, PATIENCE.total_seconds()))
            message = await get_message(self, ignore_subscribe_messages, 0.0)
        return message

    return patient
