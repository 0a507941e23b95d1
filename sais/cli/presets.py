"""`sais presets list|history|rollback`."""

import asyncio
from typing import Annotated, Any

import typer

from sais import presets
from sais.catalog.database import open_database, reading, writing
from sais.catalog.presets import current_presets
from sais.cli.output import AsJson, note, print_json, print_table
from sais.errors import PrefectUnavailable
from sais.runs import PrefectApi, PrefectSettings
from sais.runs.preset_blocks import write_block
from sais.settings import Settings
from sais_models import PresetSettings

app = typer.Typer(help="Presets, and the recipes that they have or had.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The preset")]


def _row(preset: PresetSettings) -> dict[str, Any]:
    return {"recipe": preset.recipe, **preset.model_dump(mode="json", exclude={"name"})}


def _print(title: str, rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
    else:
        print_table(title, rows)


@app.command("list")
def list_presets(as_json: AsJson = False) -> None:
    """Every preset with its current recipe, the smallest first."""
    with reading(open_database(Settings().effective_database_url)) as connection:
        rows = [{"name": name, **_row(preset)} for name, preset in current_presets(connection).items()]
    _print(f"{len(rows)} presets", rows, as_json=as_json)


@app.command()
def history(name: Name, as_json: AsJson = False) -> None:
    """The recipes that a preset has had, the newest first."""
    with reading(open_database(Settings().effective_database_url)) as connection:
        rows = [
            _row(row.settings)
            | {"recipe": row.recipe, "current": row.current, "since": row.created_at.isoformat(timespec="seconds")}
            for row in presets.history(connection, name)
        ]
    _print(f"{len(rows)} recipes of {name}", rows, as_json=as_json)


@app.command()
def rollback(
    name: Name,
    recipe: Annotated[str | None, typer.Argument(help="As `history` shows it; default: the newest former one")] = None,
    no_block: Annotated[
        bool, typer.Option("--no-block", help="Do not ask Prefect: a block that says otherwise wins at the next run")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Makes a former recipe the current one again, in the preset's block too. `sais rethumb apply` then makes the
    thumbs again, byte for byte as they were."""
    engine = open_database(Settings().effective_database_url)
    with reading(engine) as connection:
        row = presets.former(connection, name, recipe)
    # The block goes first: a run that begins in between publishes what it says.
    has_block = False if no_block else asyncio.run(_write_block(row.settings))
    with writing(engine) as connection:
        if not any(each.current and each.recipe == row.recipe for each in presets.history(connection, name)):
            presets.roll_back(connection, name, row.recipe)
    if as_json:
        print_json({"name": name, **_row(row.settings), "block": has_block})
        return
    note(f"{name} is made by recipe {row.recipe} again" + (", and so says its block" if has_block else ""))
    note(f"sais rethumb plan --preset {name}   # what that makes stale")


async def _write_block(preset: PresetSettings) -> bool:
    async with PrefectApi(PrefectSettings.or_embedded()) as api:
        try:
            return await write_block(api, preset)
        except PrefectUnavailable as error:
            raise PrefectUnavailable(
                f"the block of {preset.name} cannot be written, nothing was changed: {error}; without a Prefect server "
                "give --no-block"
            ) from error
