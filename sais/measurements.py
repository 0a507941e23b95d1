"""What an operator watches, counted in the database in one go."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais.catalog.deliveries import count_deliveries
from sais.catalog.media import count_by_marking
from sais.overview import Queue, count_queue
from sais_models import Batch, BatchItem, BatchMarking, DeliveryMarking, ItemMarking, MediaMarking


@dataclass(frozen=True)
class Measurements:
    """`media` by account; `items` are the images of all batches, an image that was sent twice counted twice."""

    media: dict[str, dict[MediaMarking, int]]
    items: dict[ItemMarking, int]
    queue: Queue
    oldest_batch: datetime | None
    outbox: dict[DeliveryMarking, int]


def measure(connection: Connection) -> Measurements:
    """Each number comes from an index alone: no row is read."""
    oldest = select(func.min(table_of(Batch).c.created_at)).where(col(Batch.marking) == BatchMarking.OPEN)
    items = select(col(BatchItem.marking), func.count()).group_by(col(BatchItem.marking))
    return Measurements(
        media=count_by_marking(connection),
        items=dict(map(tuple, connection.execute(items))),
        queue=count_queue(connection),
        oldest_batch=connection.execute(oldest).scalar(),
        outbox=count_deliveries(connection),
    )
