"""Deleting media and accounts: files, rows, and a webhook for each media that is gone (docs/decisions/0027)."""

from sais.catalog.purging import next_codes
from sais.purging.account import AccountEnd, begin_account, end_account
from sais.purging.files import Files, open_files
from sais.purging.media import PIECE, Purge, Purged
from sais.purging.whole import codes_by_root, plan_account, plan_media, plan_row, purge_all_media, purge_media

__all__ = [
    "PIECE",
    "AccountEnd",
    "Files",
    "Purge",
    "Purged",
    "begin_account",
    "codes_by_root",
    "end_account",
    "next_codes",
    "open_files",
    "plan_account",
    "plan_media",
    "plan_row",
    "purge_all_media",
    "purge_media",
]
