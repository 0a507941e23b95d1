"""Presets and the recipes that they have, or had."""

from collections.abc import Sequence

from sqlalchemy import Connection, select, update
from sqlmodel import col

from sais.catalog.bulk import new_row, table_of, upsert
from sais.catalog.rows import all_rows
from sais.errors import UnknownPreset
from sais_models import DEFAULT_PRESETS, Preset, PresetSettings, ThumbFormat


def current_presets(connection: Connection) -> dict[str, PresetSettings]:
    """By name, in the order of size; the defaults when none was ever published."""
    statement = select(table_of(Preset)).where(col(Preset.current)).order_by(col(Preset.width), col(Preset.name))
    rows = all_rows(connection, Preset, statement)
    found = [row.settings for row in rows] or DEFAULT_PRESETS
    return {preset.name: preset for preset in found}


def choose_presets(connection: Connection, names: Sequence[str]) -> list[PresetSettings]:
    """Raises UnknownPreset, naming those that there are."""
    known = current_presets(connection)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UnknownPreset(
            f"unknown preset {', '.join(map(repr, unknown))}; there are: {', '.join(known)}", field="filters"
        )
    return [known[name] for name in dict.fromkeys(names)]


def publish_presets(connection: Connection, presets: Sequence[PresetSettings]) -> list[str]:
    """Makes these the current recipes and keeps the former ones. Returns the names whose recipe changed."""
    known = current_presets(connection)
    stored = {row.name for row in connection.execute(select(col(Preset.name)).where(col(Preset.current)))}
    changed = [preset for preset in presets if preset.name not in stored or known[preset.name].recipe != preset.recipe]
    if changed:
        names = [preset.name for preset in changed]
        connection.execute(update(table_of(Preset)).where(col(Preset.name).in_(names)).values(current=False))
        rows = [new_row(Preset, **preset.model_dump(), recipe=preset.recipe, current=True) for preset in changed]
        upsert(connection, Preset, rows, change=("current",))
    return [preset.name for preset in changed]


def preset_formats(connection: Connection) -> dict[str, set[ThumbFormat]]:
    """Each current preset's name with every format that it has, or had."""
    formats = {name: {preset.format} for name, preset in current_presets(connection).items()}
    for name, former in connection.execute(select(col(Preset.name), col(Preset.format))):
        if name in formats:
            formats[name].add(former)
    return formats


def recipes_of(connection: Connection, name: str) -> list[Preset]:
    """The current one and the former ones, the newest first."""
    statement = select(table_of(Preset)).where(col(Preset.name) == name)
    return all_rows(connection, Preset, statement.order_by(col(Preset.created_at).desc(), col(Preset.recipe)))
