"""What has come is saved, whoever is told to end meanwhile."""

import asyncio
from collections.abc import Coroutine, Sequence

import pytest

from sais.finishing import to_its_end
from sais.pipeline.gathering import all_of, in_pieces


class Saver:
    """Saves when it is let; `pieces` were saved whole."""

    def __init__(self) -> None:
        self.pieces: list[list[int]] = []
        self.begun = asyncio.Event()
        self.let = asyncio.Event()

    async def save(self, piece: Sequence[int]) -> None:
        self.begun.set()
        await self.let.wait()
        self.pieces.append(list(piece))


async def of(number: int, *, after: asyncio.Event | None = None) -> int:
    if after is not None:
        await after.wait()
    return number


async def fails() -> int:
    raise OSError("no space")


def never() -> Coroutine[None, None, int]:
    return of(0, after=asyncio.Event())


async def turns(count: int = 5) -> None:
    """Lets everybody else go on who can."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_results_are_saved_in_pieces_and_the_rest_at_the_end() -> None:
    saver = Saver()
    saver.let.set()
    await in_pieces((of(number) for number in range(5)), 2, saver.save)
    assert saver.pieces == [[0, 1], [2, 3], [4]]


async def test_a_piece_that_is_being_saved_when_the_run_is_told_to_end_is_saved() -> None:
    saver = Saver()
    run = asyncio.create_task(in_pieces([of(1), of(2)], 2, saver.save))
    await saver.begun.wait()
    run.cancel()
    await turns()
    assert not run.done(), "it waits for its save"
    run.cancel()
    await turns()
    saver.let.set()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert saver.pieces == [[1, 2]]


async def test_what_came_while_a_piece_was_saved_is_saved_too() -> None:
    saver, later = Saver(), asyncio.Event()
    run = asyncio.create_task(in_pieces([of(1), of(2, after=later), never()], 1, saver.save))
    await saver.begun.wait()
    later.set()
    await turns()
    run.cancel()
    saver.let.set()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert saver.pieces == [[1], [2]]


async def test_what_came_before_the_end_or_an_error_is_saved() -> None:
    for ending in (None, OSError):
        saver = Saver()
        saver.let.set()
        work = [of(1), of(2), never() if ending is None else fails(), never()]
        run = asyncio.create_task(in_pieces(work, 9, saver.save))
        await turns()
        if ending is None:
            run.cancel()
        with pytest.raises(ending or asyncio.CancelledError):
            await run
        assert saver.pieces == [[1, 2]]


async def test_the_first_error_ends_the_rest() -> None:
    let = asyncio.Event()
    ended: list[str] = []

    async def waits() -> int:
        try:
            return await of(1, after=let)
        except asyncio.CancelledError:
            ended.append("told to end")
            raise

    with pytest.raises(OSError, match="no space"):
        await all_of([waits(), fails()])
    assert ended == ["told to end"]


async def test_an_error_of_what_is_let_finish_gives_way_to_the_end_that_was_asked_for() -> None:
    let = asyncio.Event()

    async def fails_later() -> None:
        await let.wait()
        raise OSError("no space")

    run = asyncio.create_task(to_its_end(fails_later()))
    await turns()
    run.cancel()
    await turns()
    let.set()
    with pytest.raises(asyncio.CancelledError):
        await run
    with pytest.raises(OSError, match="no space"):
        await to_its_end(fails_later())
