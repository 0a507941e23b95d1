"""Delivery: one webhook in the outbox, written in the transaction of the state that it reports."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field, Index, SQLModel, UniqueConstraint

from sais_models.columns import UtcDateTime, enum_column, utc_now
from sais_models.markings import DeliveryMarking


class DeliveryKind(StrEnum):
    """`batch` is many media in one body, `summary` the sums of a batch that has settled or was cancelled."""

    MEDIA = "media"
    THUMB = "thumb"
    BATCH = "batch"
    SUMMARY = "summary"


class Delivery(SQLModel, table=True):
    """`id` and `body` stay the same over every retry (Standard Webhooks). A media or thumb is reported once a batch."""

    __table_args__ = (
        UniqueConstraint("batch_id", "kind", "subject", name="uq_delivery_subject"),
        Index("ix_delivery_due", "marking", "due_at"),
    )

    id: str = Field(primary_key=True, max_length=40)
    root: str = Field(foreign_key="account.root")
    batch_id: int = Field(foreign_key="batch.id")
    kind: DeliveryKind = Field(sa_type=enum_column(DeliveryKind))
    subject: str = Field(max_length=64)
    url: str
    body: str
    marking: DeliveryMarking = Field(default=DeliveryMarking.PENDING, sa_type=enum_column(DeliveryMarking))
    attempts: int = 0
    due_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    status_code: int | None = None
    reason: str | None = None
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
