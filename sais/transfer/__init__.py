"""Accounts, presets, media and thumbs out of one installation and into another (docs/transfer.md)."""

from sais.transfer.exporting import Export, ExportOrder, count_rows
from sais.transfer.importing import Import, ImportOrder
from sais.transfer.kinds import Kind
from sais.transfer.packing import Format
from sais.transfer.tally import Tally

__all__ = ["Export", "ExportOrder", "Format", "Import", "ImportOrder", "Kind", "Tally", "count_rows"]
