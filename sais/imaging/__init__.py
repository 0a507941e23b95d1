"""Pictures: what a file is, its facts, its thumbs, its placeholders. No network, no rows.

Worker processes import this package: it brings Pillow and numpy (0.2 s), nothing else that is heavy.
"""

from sais.imaging.contact_sheet import contact_sheet
from sais.imaging.formats import SNIFF_BYTES, Kind, sniff
from sais.imaging.inspection import ImageFacts, inspect
from sais.imaging.placeholders import decode_blurhash, encode_blurhash
from sais.imaging.rendering import RenderedThumb, Rendition, render

__all__ = [
    "SNIFF_BYTES",
    "ImageFacts",
    "Kind",
    "RenderedThumb",
    "Rendition",
    "contact_sheet",
    "decode_blurhash",
    "encode_blurhash",
    "inspect",
    "render",
    "sniff",
]
