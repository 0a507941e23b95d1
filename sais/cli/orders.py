"""What `sais queue` was asked for, and the doors it can go through: this machine's database, or a gateway."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sais.errors import EmptyBatch, InputError


@dataclass(frozen=True)
class Sent:
    """One batch; `rows` for images that were sent from this machine."""

    batch: int
    rows: list[dict[str, Any]] = field(default_factory=list)


class Door(Protocol):
    """Of one account."""

    def send_urls(self, urls: Sequence[str], presets: Sequence[str]) -> Sent: ...

    def send_manifest(self, manifest: str, presets: Sequence[str]) -> Sent: ...

    def send_file(self, path: Path, presets: Sequence[str]) -> Sent: ...

    def sums(self, batch: int) -> dict[str, Any]: ...

    def watch(self, batch: int) -> Iterator[dict[str, Any]]:
        """The sums again and again until it has settled."""
        ...


@dataclass(frozen=True)
class Order:
    root: str
    urls: Sequence[str]
    paths: Sequence[Path]
    manifest: str | None
    presets: Sequence[str]

    def check(self) -> None:
        """Before anything is sent. Raises EmptyBatch, or InputError for a path that is no file."""
        if not (self.urls or self.paths or self.manifest):
            raise EmptyBatch("nothing to queue: give --url, --path or --manifest", field="url")
        for path in self.paths:
            if not path.is_file():
                raise InputError(f"{path} is no file of this machine", field="path")

    def send(self, door: Door) -> Iterator[Sent]:
        """What may still be refused comes first, so that little is sent when it is."""
        for path in self.paths:
            yield door.send_file(path, self.presets)
        if self.manifest:
            yield door.send_manifest(self.manifest, self.presets)
        if self.urls:
            yield door.send_urls(self.urls, self.presets)
