"""What an account has and does: its images, what of them waits, what it downloaded by day."""

from datetime import date

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from sais.catalog.bulk import table_of
from sais_models import Account, Batch, BatchItem, BatchMarking, DayUsage, ItemMarking, Media


def lock_account(connection: Connection, root: str) -> None:
    """Until the transaction ends, for those who count and then add; SQLite has one writer anyway.

    Rows that refer to the account may be added meanwhile: who settles a batch adds webhooks while he holds the batch,
    and the two would wait for one another.
    """
    connection.execute(select(col(Account.root)).where(col(Account.root) == root).with_for_update(key_share=True))


def count_images(connection: Connection, root: str) -> int:
    return connection.execute(select(func.count()).where(col(Media.root) == root)).scalar_one()


def count_queued(connection: Connection, root: str) -> int:
    """Images of batches that are not settled, still to be done."""
    statement = (
        select(func.count())
        .select_from(Batch)
        .join(BatchItem, col(BatchItem.batch_id) == col(Batch.id))
        .where(
            col(Batch.root) == root,
            col(Batch.marking) == BatchMarking.OPEN,
            col(BatchItem.marking) == ItemMarking.PENDING,
        )
    )
    return connection.execute(statement).scalar_one()


def bytes_of_day(connection: Connection, root: str, day: date) -> int:
    statement = select(col(DayUsage.downloaded_bytes)).where(col(DayUsage.root) == root, col(DayUsage.day) == day)
    return connection.execute(statement).scalar_one_or_none() or 0


def add_bytes(connection: Connection, root: str, day: date, downloaded: int) -> None:
    """To what is there already, whoever else adds at the same time."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    table = table_of(DayUsage)
    statement = insert(table).values(root=root, day=day, downloaded_bytes=downloaded)
    added = table.c.downloaded_bytes + statement.excluded.downloaded_bytes
    connection.execute(
        statement.on_conflict_do_update(index_elements=["root", "day"], set_={"downloaded_bytes": added})
    )
