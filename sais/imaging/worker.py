"""The program of a worker process: groups of pictures come in over a pipe, renditions or errors go back.

    python -m sais.imaging.worker FD

It imports neither SQLAlchemy nor Prefect: ready after 0.25 s of CPU. `multiprocessing` would import the flow's
`__main__` again, which is prefect.engine: 3 s.
"""

import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from sais.errors import SaisError, StorageError
from sais.imaging import Rendition, render
from sais.whole_files import write_beneath

if TYPE_CHECKING:  # see geometry
    from collections.abc import Sequence

    from sais_models import PresetSettings

Answer = Rendition | Exception


class Recipe(NamedTuple):
    """What `render` reads of a preset. The preset itself would bring SQLAlchemy with it when it is unpickled."""

    name: str
    recipe: str
    width: int
    height: int
    mode: str
    format: str
    quality: int

    @classmethod
    def of(cls, preset: "PresetSettings") -> "Recipe":
        box = (preset.width, preset.height)
        return cls(preset.name, preset.recipe, *box, str(preset.mode), str(preset.format), preset.quality)


class Job(NamedTuple):
    """One picture, with what `Recipe`s hold as plain tuples: this module is `__main__` here, and has no classes in
    common with the run. Each thumb goes to its path of `paths` beneath `folder`, or back as bytes without a folder."""

    source: str
    recipes: list[tuple[str, str, int, int, str, str, int]]
    max_pixels: int
    folder: str | None = None
    paths: tuple[str, ...] = ()


def answer(job: Job) -> Answer:
    presets = cast("Sequence[PresetSettings]", [Recipe(*recipe) for recipe in job.recipes])
    try:
        rendition = render(Path(job.source), presets, max_pixels=job.max_pixels)
        return rendition if job.folder is None else _written(rendition, job.folder, job.paths)
    except Exception as error:
        if not isinstance(error, SaisError):
            error.add_note(traceback.format_exc())  # a traceback does not go through the pipe
        return error


def _written(rendition: Rendition, folder: str, paths: "Sequence[str]") -> Rendition:
    """The thumbs whole in their files: so that bytes do not travel, and the run has nothing to write."""
    for thumb, path in zip(rendition.thumbs, paths, strict=True):
        try:
            write_beneath(folder, path, thumb.data)
        except OSError as error:
            raise StorageError(f"cannot write {path} in {folder}: {error.strerror or error}") from error
    return replace(rendition, thumbs=[replace(thumb, data=b"") for thumb in rendition.thumbs])


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which closes the pipe
    with suppress(OSError):
        # When memory runs out, the kernel takes this process and not the run.
        Path("/proc/self/oom_score_adj").write_text("1000")
    with Connection(int(sys.argv[1])) as pipe, suppress(EOFError, ConnectionError):  # the run has ended
        while True:
            pipe.send([answer(Job(*job)) for job in pipe.recv()])


if __name__ == "__main__":
    main()
