"""Batch: what one request handed over; and its items, one for each image sent, in the order sent."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import JSON, Field, Index, SQLModel

from sais_models.columns import UtcDateTime, enum_column, utc_now
from sais_models.markings import BatchMarking, ItemMarking


class Lane(StrEnum):
    """`quick` for a few images that somebody waits for, `bulk` for the rest."""

    QUICK = "quick"
    BULK = "bulk"


class Batch(SQLModel, table=True):
    """`filled` turns true when every item has been added; only then may the batch settle.

    `waiting_since`: no run of it was started, or its run gave way, because the account has as many runs as it may.
    `request_id` is that of the HTTP request which made it; null for a batch of the command line or of a run.
    `held_until`: the run in `flow_run_id` works on it, and says so again before that time. `resumes`: how often a run
    was started in place of one that had ended or died, since an image of the batch last settled. `retry`: it tries
    again what failed in other batches, and tells the client only what has changed.
    """

    id: int | None = Field(default=None, primary_key=True)
    root: str = Field(foreign_key="account.root", index=True)
    lane: Lane = Field(default=Lane.BULK, sa_type=enum_column(Lane))
    presets: list[str] = Field(sa_type=JSON)
    context: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    media_callback_url: str | None = None
    thumb_callback_url: str | None = None
    batch_callback_url: str | None = None
    manifest: str | None = None
    marking: BatchMarking = Field(default=BatchMarking.OPEN, sa_type=enum_column(BatchMarking), index=True)
    filled: bool = False
    submitted: int = 0
    flow_run_id: str | None = Field(default=None, index=True)
    waiting_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    held_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    resumes: int = 0
    request_id: str | None = Field(default=None, max_length=64)
    retry: bool = False
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class BatchItem(SQLModel, table=True):
    """The `position`-th image of a batch. A rejected one has no media, only its url (cut to 500) and the reason."""

    __tablename__ = "batch_item"
    __table_args__ = (
        Index("ix_batch_item_code", "code", "marking"),
        Index("ix_batch_item_marking", "batch_id", "marking"),
    )

    batch_id: int = Field(primary_key=True, foreign_key="batch.id")
    position: int = Field(primary_key=True)
    code: str | None = Field(default=None, foreign_key="media.code", max_length=16)
    url: str | None = None
    marking: ItemMarking = Field(default=ItemMarking.PENDING, sa_type=enum_column(ItemMarking))
    reason: str | None = None
    context: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
