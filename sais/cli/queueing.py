"""`sais queue` and `sais status`."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from sais.catalog import batches
from sais.catalog.accounts import get_account, list_accounts
from sais.catalog.database import open_database, reading, writing
from sais.catalog.media import count_by_marking
from sais.cli import remote
from sais.cli.output import AsJson, follow, note, print_json, print_table
from sais.dispatch import Submitted, open_batch
from sais.errors import EmptyBatch, PrefectUnavailable
from sais.fetching import Guard
from sais.manifests import read_manifest
from sais.reading import batch_status
from sais.runs import PrefectApi, PrefectSettings, Runs
from sais.settings import Settings
from sais.submission import submit
from sais_models import Batch, MediaMarking

POLL_SECONDS = 1.0


def queue(
    root: Annotated[str, typer.Argument(help="The account's root")],
    url: Annotated[list[str] | None, typer.Option(help="An image's address; may be given again and again")] = None,
    manifest: Annotated[
        str | None, typer.Option(help="CSV, TSV, JSONL, Parquet or plain list, gzip too; a path or s3:// address")
    ] = None,
    preset: Annotated[list[str] | None, typer.Option(help="A preset's name; may be given again and again")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until every image has settled")] = False,
    as_json: AsJson = False,
) -> None:
    """Puts images into the queue of an account and starts a run for them."""
    settings = Settings()
    if not url and not manifest:
        raise EmptyBatch("nothing to queue: give --url or --manifest", field="url")
    run = remote.queue if settings.url else _queue_here
    sums = run(settings, root, url or [], manifest, preset or [], wait)
    if as_json:
        print_json(sums)
    else:
        hidden = ("id", "root", "reasons", "marking", "flowRunUrl")
        print_table(f"Batch {sums['id']} of {root}", [{k: v for k, v in sums.items() if k not in hidden}])
    if wait and sums["failed"] + sums["rejected"] + sums["cancelled"]:
        raise typer.Exit(1)


def status(
    root: Annotated[str | None, typer.Argument(help="An account; default: all")] = None, as_json: AsJson = False
) -> None:
    """How many media of each account are in which marking."""
    settings = Settings()
    counts = dict([remote.counts(settings, root)]) if settings.url else _counts_here(settings, root)
    rows = [
        {"account": name, **{m.value: count.get(m.value, 0) for m in MediaMarking}} for name, count in counts.items()
    ]
    if as_json:
        print_json(rows)
    else:
        print_table("Media by marking", rows)


def _counts_here(settings: Settings, root: str | None) -> Mapping[str, Mapping[str, int]]:
    with reading(open_database(settings.effective_database_url)) as connection:
        roots = [get_account(connection, root).root] if root else [a.root for a in list_accounts(connection)]
        counts = count_by_marking(connection, root)
    return {name: {marking.value: count for marking, count in counts.get(name, {}).items()} for name in roots}


def _queue_here(
    settings: Settings, root: str, urls: list[str], manifest: str | None, presets: list[str], wait: bool
) -> dict[str, Any]:
    engine = open_database(settings.effective_database_url)
    batch = _fill(engine, settings, root, urls, manifest, presets)
    start_run(engine, batch)
    return follow(_watch(engine, batch)) if wait else _sums(engine, batch)


def _fill(
    engine: Engine, settings: Settings, root: str, urls: list[str], manifest: str | None, presets: list[str]
) -> Batch:
    """URLs go in at once; a manifest is checked by its first piece and read by the run."""
    if manifest:
        manifest = manifest if "://" in manifest else str(Path(manifest).absolute())
        next(read_manifest(manifest))
    with writing(engine) as connection:
        account = get_account(connection, root)
        if manifest:
            return open_batch(connection, account, presets=presets, manifest=manifest)
        images = [Submitted(address) for address in urls]
        return submit(connection, account, images, guard=Guard(settings.allow_hosts), presets=presets).batch


def start_run(engine: Engine, batch: Batch) -> None:
    """The batch is in the database already: without Prefect it waits for the sweep."""
    try:
        run = asyncio.run(_start_run(batch))
    except PrefectUnavailable as error:
        note(f"batch {batch.id} is accepted, but no run started; the sweep takes it up: {error}")
        return
    with writing(engine) as connection:
        batches.change_batch(connection, batch.id or 0, flow_run_id=run)


async def _start_run(batch: Batch) -> str:
    async with PrefectApi(PrefectSettings.or_embedded()) as api:
        return await Runs(api).start(batch)


def _watch(engine: Engine, batch: Batch) -> Iterator[dict[str, Any]]:
    while True:
        sums = _sums(engine, batch)
        yield sums
        if sums["settled"]:
            return
        time.sleep(POLL_SECONDS)


def _sums(engine: Engine, batch: Batch) -> dict[str, Any]:
    with reading(engine) as connection:
        return batch_status(connection, batch.id or 0).body()
