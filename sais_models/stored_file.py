"""What the listings of the storages had: a row for each directory and for each file, whatever the other tables say."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, Index, SQLModel

from sais_models.columns import UtcDateTime, enum_column
from sais_models.markings import FileMarking


class StoredFile(SQLModel, table=True):
    """`storage` is `archive` or `cache/PRESET`; `path` is that of the original under it, or of a directory.

    `size` in bytes, of a directory the sum; `version` changes whenever the bytes do (S3: ETag, a folder: mtime);
    `checksum` is xxh3_128 of the bytes of that version, when they were read; `seen_in` the number of the sync that
    listed it last. No foreign keys: a listing has what nobody knows of, too.
    """

    __tablename__ = "stored_file"
    __table_args__ = (Index("ix_stored_file_directory", "storage", "directory"),)

    storage: str = Field(primary_key=True, max_length=40)
    path: str = Field(primary_key=True)
    root: str = Field(max_length=50)
    directory: str
    marking: FileMarking = Field(default=FileMarking.FILE, sa_type=enum_column(FileMarking))
    size: int | None = Field(default=None, sa_type=BigInteger)
    version: str | None = None
    modified_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    checksum: str | None = Field(default=None, max_length=32)
    seen_in: int = Field(default=0, sa_type=BigInteger)
