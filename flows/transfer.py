"""Accounts, presets, media and thumbs move between installations, or into files for analysis."""

from enum import StrEnum

from prefect import flow
from prefect.runtime import flow_run

from blocks.configuration import load_configuration
from flows.policy import PLAIN
from flows.winding_down import open_until_told
from sais.transfer import ExportOrder, Format, ImportOrder, Kind
from tasks.transfer import begin_transfer, count_export, end_transfer, move_rows


class Direction(StrEnum):
    """`export` writes files, `import` reads them."""

    EXPORT = "export"
    IMPORT = "import"


@flow(name="transfer", flow_run_name="transfer-{direction}", **PLAIN)
async def transfer(
    direction: Direction,
    place: str,
    accounts: list[str] | None = None,
    only: list[Kind] | None = None,
    file_format: Format = Format.NDJSON,
    skip_existing: bool = False,
    dry_run: bool = False,
) -> dict[str, int]:
    """Writes rows to files, or reads them from files, the predecessor's too. Killed and run again, it goes on.

    Secrets do not travel this way: `sais export --with-secrets` does that, where nobody else looks on.

    Args:
        direction: export writes files, import reads them.
        place: A folder, a .zip or (export only) a .parquet file, on the worker's machine.
        accounts: Roots of accounts; default: all.
        only: Kinds of rows; default: all.
        file_format: Of an export: ndjson can be imported again, parquet is for analysis.
        skip_existing: Of an import: leave every row that is there as it is.
        dry_run: Count, and write nothing.
    """
    order: ExportOrder | ImportOrder
    if direction == Direction.EXPORT:
        order = ExportOrder.of(place, accounts or [], list(only or []), file_format)
    else:
        order = ImportOrder.of(place, accounts or [], list(only or []), skip_existing=skip_existing, dry_run=dry_run)
    configuration = await load_configuration()
    async with open_until_told(configuration, str(flow_run.id)) as resources:
        if isinstance(order, ExportOrder) and dry_run:
            return await count_export(order, resources)
        moving = await begin_transfer(order, resources)
        while await move_rows(moving):
            pass
        return await end_transfer(moving)
