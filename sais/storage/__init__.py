"""Where originals and thumbs are kept: a local folder or an S3 bucket, behind one small interface."""

from sais.storage.interface import Entry, LocalFile, Storage
from sais.storage.local_folder import LocalFolder
from sais.storage.opening import open_storage
from sais.storage.paths import checked_path

__all__ = ["Entry", "LocalFile", "LocalFolder", "Storage", "checked_path", "open_storage"]
