"""CPU seconds of this process by part of the work.

Each callback of an event loop, and each call in a pool's thread, counts for the part (`sais.pipeline.ledger.PART`) in
which it was asked for; what was asked for in no part counts under an empty name.
"""

import time
from asyncio.events import Handle
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sais.pipeline.ledger import PART

CPU: defaultdict[str, float] = defaultdict(float)


def account() -> None:
    """From here on; two clock calls for each callback, 0.6 microseconds."""
    run, submit = Handle._run, ThreadPoolExecutor.submit

    def counted_run(handle: Any) -> None:
        part, start = handle._context.get(PART, ""), time.thread_time()
        run(handle)
        CPU[part] += time.thread_time() - start

    def counted_submit(pool: ThreadPoolExecutor, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return submit(pool, _counted, PART.get(), call, *args, **kwargs)

    Handle._run = counted_run  # type: ignore[method-assign,assignment]
    ThreadPoolExecutor.submit = counted_submit  # type: ignore[method-assign,assignment]


def _counted(part: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    start = time.thread_time()
    try:
        return call(*args, **kwargs)
    finally:
        CPU[f"{part} (threads)"] += time.thread_time() - start
