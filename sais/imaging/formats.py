"""What a file is, by its first bytes. The URL's extension and the origin's Content-Type are never believed."""

from dataclasses import dataclass

SNIFF_BYTES = 64


@dataclass(frozen=True)
class Kind:
    """A format that SAIS keeps. `ext` has no dot; what is not an image is archived and gets no thumbs."""

    mime: str
    ext: str

    @property
    def is_image(self) -> bool:
        return self.mime.startswith("image/")


JPEG = Kind("image/jpeg", "jpg")
PNG = Kind("image/png", "png")
GIF = Kind("image/gif", "gif")
WEBP = Kind("image/webp", "webp")
AVIF = Kind("image/avif", "avif")
TIFF = Kind("image/tiff", "tif")
BMP = Kind("image/bmp", "bmp")
MP3 = Kind("audio/mpeg", "mp3")
WAV = Kind("audio/wav", "wav")
OGG = Kind("audio/ogg", "ogg")
OGV = Kind("video/ogg", "ogv")
FLAC = Kind("audio/flac", "flac")
M4A = Kind("audio/mp4", "m4a")
MP4 = Kind("video/mp4", "mp4")
MOV = Kind("video/quicktime", "mov")
WEBM = Kind("video/webm", "webm")
MKV = Kind("video/x-matroska", "mkv")
AVI = Kind("video/x-msvideo", "avi")

_PREFIXES = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"II+\x00", TIFF),
    (b"MM\x00+", TIFF),
    (b"ID3", MP3),
    (b"fLaC", FLAC),
)
_RIFF = {b"WEBP": WEBP, b"WAVE": WAV, b"AVI ": AVI}
_AVIF_BRANDS = {b"avif", b"avis"}
_MP4_BRANDS = {
    b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash", b"M4V ", b"MSNV", b"3gp4", b"3gp5",
}  # fmt: skip
_FTYP_BRANDS = {b"M4A ": M4A, b"M4B ": M4A, b"qt  ": MOV} | dict.fromkeys(_MP4_BRANDS, MP4)
_BMP_HEADER_SIZES = {12, 40, 52, 56, 64, 108, 124}
_MP3_SYNC = {b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xe3", b"\xff\xe2"}


def sniff(head: bytes) -> Kind | None:
    """The kind of a file by its first `SNIFF_BYTES` or more; None for HTML, SVG, PDF and whatever else SAIS refuses."""
    for prefix, kind in _PREFIXES:
        if head.startswith(prefix):
            return kind
    match head[:4], head[4:8]:
        case b"RIFF", _:
            return _RIFF.get(head[8:12])
        case b"OggS", _:
            return OGV if b"\x80theora" in head[:SNIFF_BYTES] else OGG
        case b"\x1a\x45\xdf\xa3", _:
            return _matroska(head[:SNIFF_BYTES])
        case _, b"ftyp":
            return _iso_media(head)
    return _by_short_mark(head)


def _matroska(head: bytes) -> Kind | None:
    if b"webm" in head:
        return WEBM
    return MKV if b"matroska" in head else None


def _iso_media(head: bytes) -> Kind | None:
    """HEIC, JPEG XL and camera raw share this container: only a known brand counts, the major one first."""
    box = head[: min(int.from_bytes(head[:4], "big"), SNIFF_BYTES)]
    brands = [box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))]
    if _AVIF_BRANDS & set(brands):
        return AVIF
    return _FTYP_BRANDS.get(brands[0])


def _by_short_mark(head: bytes) -> Kind | None:
    """Two bytes are too few to believe alone (a text may begin with BM): the fields after them must make sense."""
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return BMP
    if head[:2] in _MP3_SYNC and len(head) > 2 and head[2] >> 4 != 0xF and head[2] >> 2 & 3 != 3:  # noqa: PLR2004
        return MP3
    return None
