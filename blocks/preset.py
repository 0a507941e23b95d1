"""How thumbs are made: one document for each preset, named as the preset."""

from prefect.blocks.core import Block
from pydantic import Field

from sais_models import PresetSettings, ThumbFormat, ThumbMode


class SaisPreset(Block):
    """One preset; the document's name is the preset's name. A change gives thumbs that are made from then on.

    Example:
        ```python
        from blocks.preset import SaisPreset

        preset = SaisPreset.load("small")
        ```
    """

    _block_type_name = "SAIS Preset"
    _block_type_slug = "sais-preset"
    _description = "A named way to make thumbs: the box in pixels, how to fit it, the format and its quality."

    width: int = Field(default=192, ge=1, le=16_384, description="Pixels")
    height: int = Field(default=192, ge=1, le=16_384, description="Pixels")
    mode: ThumbMode = Field(
        default=ThumbMode.INSET, description="inset: the whole picture fits the box; outbound: it fills it, cropped"
    )
    format: ThumbFormat = Field(default=ThumbFormat.WEBP, description="original: as the source, where browsers show it")
    quality: int = Field(default=68, ge=1, le=100, description="1 to 100, for webp, jpeg and avif")

    def settings(self, name: str) -> PresetSettings:
        return PresetSettings(
            name=name, width=self.width, height=self.height, mode=self.mode, format=self.format, quality=self.quality
        )

    @classmethod
    def of(cls, preset: PresetSettings) -> "SaisPreset":
        return cls(**preset.model_dump(exclude={"name"}))
