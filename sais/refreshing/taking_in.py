"""A changed original takes the place of the one before it, in an order that can be killed at any point."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sais.catalog.bulk import Row
from sais.imaging import Rendition
from sais.pipeline.resources import Resources
from sais.pipeline.source_facts import source_facts
from sais.pipeline.thumbs import done_thumb, failed_thumb, keep_thumbs, render_thumbs
from sais.refreshing.asking import Changed
from sais_models import Media, Thumb


@dataclass(frozen=True)
class TakenIn:
    """New columns of the media, and whole rows of its thumbs."""

    row: Row
    thumbs: list[Row] = field(default_factory=list)


async def take_in(resources: Resources, media: Media, thumbs: Sequence[Thumb], changed: Changed) -> TakenIn:
    """Nothing is replaced before all thumbs of the new bytes are made in memory; each file is replaced whole.

    The path stays, whatever the new format is: an address that was given once is good for ever. The rows change last;
    killed before that, the source is asked again with the old ETag, and everything is replaced once more.
    Raises CorruptImage, TooBig, TransientMediaError, StorageError.
    """
    path = media.path or ""
    presets = [resources.presets[thumb.preset] for thumb in thumbs if thumb.preset in resources.presets]
    rendition = await render_thumbs(resources, changed.incoming, presets) if presets else None
    await resources.archive.write_file(path, changed.incoming, changed.facts.mime_type)
    if rendition is not None:
        await keep_thumbs(resources, path, rendition)
    place = resources.original(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    changed.incoming.replace(place)
    gone = [thumb.preset for thumb in thumbs if thumb.preset not in resources.presets]
    rows = [failed_thumb(media.code, preset, "unknown_preset") for preset in gone]
    rows += [done_thumb(media.code, thumb) for thumb in (rendition.thumbs if rendition else [])]
    return TakenIn(_facts(media, changed, rendition), rows)


def _facts(media: Media, changed: Changed, rendition: Rendition | None) -> Row:
    fetched, facts = changed.fetched, changed.facts
    return {
        "code": media.code,
        **source_facts(fetched, facts),
        "blurhash": rendition.blurhash if rendition else None,
        "phash": rendition.phash if rendition else None,
        "colors": rendition.colors if rendition else None,
    }
