"""What one step did to one chunk."""

from dataclasses import dataclass

from sais.errors import UnfinishedChunk
from sais.fetching import redact_url
from sais_models import Chunk, Media


@dataclass(frozen=True)
class Failure:
    """One image that failed: its address without query or credentials, and the reason."""

    code: str
    address: str
    reason: str
    final: bool

    @classmethod
    def of(cls, media: Media, reason: str, *, final: bool) -> "Failure":
        return cls(media.code, redact_url(media.url), reason, final)


class ChunkReport:
    """`done`, `failed`, `held` (by another run) and `lost` (the run was away, and somebody else has them now) are
    images; `size` in bytes written, `seconds` of wall time.

    No dataclass: Prefect walks through those, and draws an edge between any two tasks that share a value in them.
    """

    def __init__(self, step: str, chunk: Chunk) -> None:
        self.step = step
        self.chunk = chunk
        self.done = 0
        self.held = 0
        self.lost = 0
        self.cancelled = False
        self.size = 0
        self.seconds = 0.0
        self.failures: list[Failure] = []

    @property
    def failed(self) -> int:
        return sum(failure.final for failure in self.failures)

    @property
    def left(self) -> int:
        """Images that failed transiently and may be tried again."""
        return len(self.failures) - self.failed

    def require_finished(self) -> None:
        """Raises UnfinishedChunk when something is left, or is in the hands of another run."""
        waiting = 0 if self.cancelled else self.left + self.held + self.lost
        if waiting:
            raise UnfinishedChunk(f"{self.step} {self.chunk.name}", waiting)

    def __str__(self) -> str:
        line = f"{self.step} {self.chunk.name}: {self.done} done, {self.failed} failed, {self.left} left"
        held = f", {self.held} held by another run" if self.held else ""
        lost = f", {self.lost} lost to another run" if self.lost else ""
        end = "; stopped, the batch is cancelled" if self.cancelled else ""
        return f"{line}{held}{lost}; {self.size / 1e6:.1f} MB in {self.seconds:.1f} s{end}"
