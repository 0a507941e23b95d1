"""What Ctrl-C, `kill` and a closed terminal mean to the demo, for a while."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | signal.Handlers


def interrupted_by_signals() -> AbstractContextManager[None]:
    """A `kill` or a closed terminal ends the demo like Ctrl-C, so that the stack does not outlive it."""
    return handled((signal.SIGTERM, signal.SIGHUP), interrupt)


def undisturbed() -> AbstractContextManager[None]:
    """A second Ctrl-C changes nothing: cutting an ending short would leave processes behind."""
    return handled((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), signal.SIG_IGN)


@contextmanager
def handled(kinds: Sequence[signal.Signals], handler: Handler) -> Iterator[None]:
    """Changes nothing outside the main thread, which is the only one that gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [signal.signal(kind, handler) for kind in kinds]
    try:
        yield
    finally:
        for kind, former in zip(kinds, before, strict=True):
            signal.signal(kind, former)


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
