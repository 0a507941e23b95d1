"""Chunk: the unit of scheduling, a slice of a batch that one task run handles."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Chunk:
    """The pending items of a batch from position `first` to `last`; `images` and `size` (bytes) as planned."""

    root: str
    batch: int
    no: int
    first: int
    last: int
    images: int
    size: int

    @property
    def name(self) -> str:
        """`museum-b7-c03`, as the names of task runs have it."""
        return f"{self.root}-b{self.batch}-c{self.no:02d}"
