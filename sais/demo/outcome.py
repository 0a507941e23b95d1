"""What became of one photograph, held against what should have become of it. Decides; asks nobody."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sais.demo.photographs import DemoPhotograph
from sais.demo.thumbs import FetchedThumb

PRESETS = ("small", "medium")


@dataclass(frozen=True)
class Outcome:
    """`row` is the gateway's answer when the image was sent, `media` what it says in the end."""

    photograph: DemoPhotograph
    row: Mapping[str, Any]
    media: Mapping[str, Any]
    webhook: Mapping[str, Any] | None
    thumbs: Mapping[str, FetchedThumb]

    @property
    def accepted(self) -> bool:
        return self.row.get("marking") != "rejected"

    @property
    def marking(self) -> str:
        return str((self.media if self.accepted else self.row).get("marking"))

    @property
    def reason(self) -> str | None:
        """A media asked for by its code need not tell a reason on the wire; its webhook does."""
        if not self.accepted:
            return self.row.get("reason")
        return (self.webhook or {}).get("reason") or self.media.get("reason")

    @property
    def displayed(self) -> tuple[Any, Any]:
        meta = self.media.get("meta") or {}
        return meta.get("width"), meta.get("height")

    @property
    def blurhash(self) -> str | None:
        return self.media.get("blur")

    def complaints(self) -> list[str]:
        """One sentence for each thing that is not as expected; none when all is well."""
        complaints = [*self._about_row(), *self._about_webhook()]
        if self.photograph.expectation.marking == "resized" == self.marking:
            complaints += self._about_thumbs()
        return [f"{self.photograph.path}: {complaint}" for complaint in complaints]

    def _about_row(self) -> Iterator[str]:
        expected = self.photograph.expectation
        if (self.marking, self.reason) != (expected.marking, expected.reason):
            yield f"{worded(self.marking, self.reason)}, not {worded(expected.marking, expected.reason)}"
        if expected.displayed and self.marking == "resized" and self.displayed != expected.displayed:
            yield f"displays at {self.displayed}, not {expected.displayed}"

    def _about_webhook(self) -> Iterator[str]:
        if self.accepted and self.webhook is None:
            yield "no webhook with a valid signature"
        elif self.webhook and self.webhook.get("marking") != self.marking:
            yield f"its webhook says {self.webhook.get('marking')!r}"

    def _about_thumbs(self) -> Iterator[str]:
        if not self.blurhash:
            yield "no blurhash"
        for preset in PRESETS:
            thumb = self.thumbs.get(preset)
            if thumb is None:
                yield f"no thumb {preset}"
            elif thumb.trouble:
                yield f"thumb {preset}: {thumb.trouble}"


def worded(marking: str, reason: str | None) -> str:
    return f"{marking} ({reason})" if reason else marking
