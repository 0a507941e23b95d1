"""Presets: the defaults of the contract, and recipes that change with the pixels only."""

import pytest
from pydantic import ValidationError

from sais_models import DEFAULT_PRESETS, PresetSettings, ThumbFormat, ThumbMode

SMALL = PresetSettings(name="small", width=192, height=192)


def test_the_defaults() -> None:
    assert {preset.name: preset.width for preset in DEFAULT_PRESETS} == {
        "tiny": 64,
        "small": 192,
        "medium": 512,
        "large": 1280,
    }
    assert {(p.mode, p.format, p.quality) for p in DEFAULT_PRESETS} == {(ThumbMode.INSET, ThumbFormat.WEBP, 68)}


@pytest.mark.parametrize(
    "change",
    [
        {"width": 193},
        {"height": 191},
        {"quality": 70},
        {"mode": ThumbMode.OUTBOUND},
        {"format": ThumbFormat.AVIF},
    ],
    ids=str,
)
def test_a_change_of_pixels_is_another_recipe(change: dict[str, object]) -> None:
    assert SMALL.model_copy(update=change).recipe != SMALL.recipe


def test_a_recipe_stays_the_same_over_time_and_names() -> None:
    assert SMALL.recipe == "b9064ed7a152"
    assert SMALL.model_copy(update={"name": "little"}).recipe == SMALL.recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [("width", 0), ("height", 20_000), ("quality", 101), ("name", "Big One"), ("format", "gif"), ("colour", 1)],
)
def test_a_preset_that_cannot_work_is_refused_by_the_field(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        PresetSettings(**{"name": "x", "width": 10, "height": 10} | {field: value})
