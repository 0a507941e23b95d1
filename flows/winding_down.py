"""A run that is told to end finishes the images in hand and gives back the rest; one that is cancelled ends as that."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from threading import current_thread, main_thread
from time import monotonic

from flows.cancellation import cancel_if_asked_to
from sais.configuration import Configuration
from sais.pipeline.resources import Resources, open_resources
from sais.webhooks.mailing import Mailing, open_mailing

# Of the time to stop: for images in hand. Saving them, telling Prefect and the end of Prefect's server take the rest.
IN_HAND_SHARE = 0.4
# Of that: for Prefect's answer, 30 ms as a rule. Its client would go on asking for minutes.
ASKING_SHARE = 0.25


@asynccontextmanager
async def open_until_told(configuration: Configuration, run: str) -> AsyncIterator[Resources]:
    """As `open_resources`; at SIGTERM from a worker that stops nothing is begun any more, the images in hand are
    finished if that takes at most 4 of the 10 s to stop, and what is done is saved. Then Prefect gets the signal.
    When the signal is for a run that somebody cancels in Prefect, its batches are cancelled, and it ends by itself."""
    async with open_resources(configuration, run) as resources:

        async def wind_down(seconds: float) -> None:
            end = monotonic() + seconds
            if await cancel_if_asked_to(configuration, run, ASKING_SHARE * seconds):
                # The steps notice within a second; this is for what is no step.
                await asyncio.sleep(end - monotonic())
            else:
                await resources.wind_down(end - monotonic())

        async with _winding_down(wind_down, configuration.settings.stop_seconds):
            yield resources


@asynccontextmanager
async def mail_until_told(configuration: Configuration) -> AsyncIterator[Mailing]:
    """As `open_mailing`; at SIGTERM no webhook is sent any more, those on their way have as long as images have, what
    came of them is saved, and the rest is due at once."""
    async with (
        open_mailing(configuration) as mailing,
        _winding_down(mailing.wind_down, configuration.settings.stop_seconds),
    ):
        yield mailing


@asynccontextmanager
async def _winding_down(wind_down: Callable[[float], Awaitable[None]], stop_seconds: float) -> AsyncIterator[None]:
    if current_thread() is not main_thread():
        yield
        return
    loop, run = asyncio.get_running_loop(), asyncio.current_task()
    former = signal.getsignal(signal.SIGTERM)
    endings: list[asyncio.Task[None]] = []
    broken_off = False

    async def end() -> None:
        nonlocal broken_off
        await wind_down(IN_HAND_SHARE * stop_seconds)
        broken_off = True
        if run is not None:
            run.cancel()

    def told() -> None:
        if not endings:
            endings.append(asyncio.create_task(end()))

    loop.add_signal_handler(signal.SIGTERM, told)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, former)
        for ending in endings:
            ending.cancel()
        if broken_off:
            # Here, in the run's own frame, Prefect's handler raises where the engine looks for it.
            os.kill(os.getpid(), signal.SIGTERM)
