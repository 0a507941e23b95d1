"""Doing many things at once and taking the results in pieces as they come."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_pieces(work: Iterable[Coroutine[Any, Any, Result]], size: int) -> AsyncIterator[list[Result]]:
    """Results in the order in which they come, `size` at a time. The first error ends the rest and is raised.

    What had come before the error is given out first, so that it can be saved.
    """
    tasks = [asyncio.ensure_future(coroutine) for coroutine in work]
    piece: list[Result] = []
    try:
        for finished in asyncio.as_completed(tasks):
            try:
                piece.append(await finished)
            except Exception:
                if piece:
                    yield piece
                raise
            if len(piece) >= size:
                yield piece
                piece = []
        if piece:
            yield piece
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
