"""Preset: a named way to make a thumb, kept as versioned recipes."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Checked
from sqlmodel import Field, SQLModel

from sais_models.columns import UtcDateTime, enum_column, utc_now

# Part of every recipe: raise it when the same settings begin to give other pixels, and old thumbs become stale.
IMAGING_VERSION = 1

PresetName = Annotated[str, Checked(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
Side = Annotated[int, Checked(ge=1, le=16_384, description="pixels")]


class ThumbMode(StrEnum):
    """`inset` fits the whole picture inside the box; `outbound` fills the box and crops what stands out."""

    INSET = "inset"
    OUTBOUND = "outbound"


class ThumbFormat(StrEnum):
    """`original` keeps the source's own format (WebP for formats that browsers cannot show)."""

    WEBP = "webp"
    JPEG = "jpeg"
    PNG = "png"
    AVIF = "avif"
    ORIGINAL = "original"


class PresetSettings(BaseModel):
    """What an operator chooses: the box in pixels, how to fit it, the format and its quality (1 to 100)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: PresetName
    width: Side
    height: Side
    mode: ThumbMode = ThumbMode.INSET
    format: ThumbFormat = ThumbFormat.WEBP
    quality: Annotated[int, Checked(ge=1, le=100)] = 68

    @property
    def recipe(self) -> str:
        """12 hex digits over everything that changes the pixels; the name is not part of it."""
        settings = self.model_dump_json(exclude={"name"})
        return hashlib.sha256(f"{IMAGING_VERSION}:{settings}".encode()).hexdigest()[:12]


DEFAULT_PRESETS = (
    PresetSettings(name="tiny", width=64, height=64),
    PresetSettings(name="small", width=192, height=192),
    PresetSettings(name="medium", width=512, height=512),
    PresetSettings(name="large", width=1280, height=1280),
)


class Preset(SQLModel, table=True):
    """One recipe that a preset name has, or had; exactly one row of a name is `current`."""

    name: str = Field(primary_key=True, max_length=32)
    recipe: str = Field(primary_key=True, max_length=12)
    width: int
    height: int
    mode: ThumbMode = Field(sa_type=enum_column(ThumbMode))
    format: ThumbFormat = Field(sa_type=enum_column(ThumbFormat))
    quality: int
    current: bool = True
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)

    @property
    def settings(self) -> PresetSettings:
        return PresetSettings(
            name=self.name,
            width=self.width,
            height=self.height,
            mode=self.mode,
            format=self.format,
            quality=self.quality,
        )
