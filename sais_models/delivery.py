"""Delivery: one webhook in the outbox, written in the transaction of the state that it reports."""

from datetime import datetime, timedelta
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


# How long a receiver is asked, and when it is asked no more (contract: webhooks).
KEPT_TRYING = timedelta(days=1)


def day_from_now() -> datetime:
    return utc_now() + KEPT_TRYING


class Delivery(SQLModel, table=True):
    """`id` and `body` stay the same over every retry (Standard Webhooks). A media or thumb is reported once a batch.

    `receiver` is scheme, host and port of `url`. What fails after `expires_at` is dead, however few its attempts.
    `batch_id` is null for what no batch asked for (a media that was deleted), and once its batch is gone.
    """

    __table_args__ = (
        UniqueConstraint("batch_id", "kind", "subject", name="uq_delivery_subject"),
        Index("ix_delivery_due", "marking", "root", "receiver", "due_at"),
        Index("ix_delivery_batch", "batch_id", "marking"),
    )

    id: str = Field(primary_key=True, max_length=40)
    root: str = Field(foreign_key="account.root")
    batch_id: int | None = Field(default=None, foreign_key="batch.id")
    kind: DeliveryKind = Field(sa_type=enum_column(DeliveryKind))
    subject: str = Field(max_length=64)
    url: str
    receiver: str
    body: str
    marking: DeliveryMarking = Field(default=DeliveryMarking.PENDING, sa_type=enum_column(DeliveryMarking))
    attempts: int = 0
    due_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    status_code: int | None = None
    reason: str | None = None
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    expires_at: datetime = Field(default_factory=day_from_now, sa_type=UtcDateTime)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
