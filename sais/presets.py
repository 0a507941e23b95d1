"""The recipes that a preset has had, and how a former one becomes the current one again."""

from sqlalchemy import Connection

from sais.catalog.presets import current_presets, publish_presets, recipes_of
from sais.errors import InputError, UnknownPreset
from sais_models import Preset


def history(connection: Connection, name: str) -> list[Preset]:
    """The newest recipe first. Raises UnknownPreset. A default that was never published has no row of its own yet."""
    known = current_presets(connection)
    if name not in known:
        raise UnknownPreset(f"unknown preset {name!r}; there are: {', '.join(known)}", field="name")
    return recipes_of(connection, name)


def former(connection: Connection, name: str, recipe: str | None = None) -> Preset:
    """The row of `recipe`, or the newest that is not the current one. Raises UnknownPreset, InputError."""
    rows = history(connection, name)
    others = [row for row in rows if not row.current and recipe in (None, row.recipe)]
    if not others:
        raise InputError(_nothing(name, recipe, rows), field="recipe")
    if others[0].settings.recipe != others[0].recipe:
        raise InputError(
            f"recipe {others[0].recipe} of {name} was made by another version of the imaging: its settings would not "
            "give the same bytes again; change the preset instead",
            field="recipe",
        )
    return others[0]


def roll_back(connection: Connection, name: str, recipe: str) -> None:
    """Makes a recipe that there was the current one. Raises UnknownPreset, InputError."""
    publish_presets(connection, [former(connection, name, recipe).settings])


def _nothing(name: str, recipe: str | None, rows: list[Preset]) -> str:
    if recipe is not None and any(row.recipe == recipe for row in rows):
        return f"{recipe} is the recipe of {name} already"
    there = ", ".join(row.recipe for row in rows if not row.current) or "none"
    return f"{name} has no former recipe{f' {recipe!r}' if recipe else ''}; there are: {there}"
