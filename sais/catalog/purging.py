"""Rows that go: counted, taken hold of, and deleted so that no sum of a batch and no foreign key breaks."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, tuple_, update
from sqlmodel import col

from sais.catalog.bulk import Row, insert_new, table_of
from sais.catalog.media import Lease
from sais.catalog.rows import all_rows
from sais_models import (
    Account,
    Batch,
    BatchItem,
    DayUsage,
    Delivery,
    DeliveryKind,
    DeliveryMarking,
    ItemMarking,
    Media,
    Preset,
    Receiver,
    StoredFile,
    Thumb,
)
from sais_models.columns import utc_now

DELETED = "deleted"


@dataclass(frozen=True)
class PurgeCount:
    """What is to go, of one account; `size` in bytes of originals, `thumb_size` of thumbs, `busy` media that a run
    holds now."""

    root: str
    media: int
    size: int
    thumbs: int
    thumb_size: int
    batches: int
    busy: int


def count_purge(connection: Connection, root: str, codes: Sequence[str] | None = None) -> PurgeCount:
    """Of the whole account, or of these media of it, at most as many as fit into one IN list."""
    media = [col(Media.root) == root, *([] if codes is None else [col(Media.code).in_(codes)])]
    number, size = connection.execute(
        select(func.count(), func.coalesce(func.sum(col(Media.size)), 0)).where(*media)
    ).one()
    thumbs = select(func.count(), func.coalesce(func.sum(col(Thumb.size)), 0)).join(
        Media, col(Media.code) == col(Thumb.code)
    )
    thumb_number, thumb_size = connection.execute(thumbs.where(*media)).one()
    busy = select(func.count()).where(*media, _is_held(""))
    batches = select(func.count()).where(col(Batch.root) == root)
    return PurgeCount(
        root=root,
        media=number,
        size=int(size),
        thumbs=thumb_number,
        thumb_size=int(thumb_size),
        batches=connection.execute(batches).scalar_one() if codes is None else 0,
        busy=connection.execute(busy).scalar_one(),
    )


def _is_held(run: str) -> ColumnElement[bool]:
    """By another run than `run`."""
    return (col(Media.leased_by) != run) & (col(Media.leased_until) >= utc_now())


def next_codes(connection: Connection, root: str, after: str, limit: int) -> list[str]:
    statement = select(table_of(Media).c.code).where(col(Media.root) == root, col(Media.code) > after)
    return [row[0] for row in connection.execute(statement.order_by(col(Media.code)).limit(limit))]


def codes_of(connection: Connection, root: str, codes: Sequence[str]) -> set[str]:
    """Those of them that the account has."""
    statement = select(table_of(Media).c.code).where(col(Media.root) == root, col(Media.code).in_(codes))
    return set(connection.execute(statement).scalars())


def hold_media(connection: Connection, root: str, codes: Sequence[str], lease: Lease) -> list[Media]:
    """Leases those of the account that no other run holds, whatever their marking; returns them."""
    wanted = (col(Media.root) == root, col(Media.code).in_(codes))
    free = or_(col(Media.leased_by).is_(None), col(Media.leased_by) == lease.run, col(Media.leased_until) < utc_now())
    connection.execute(
        update(table_of(Media)).where(*wanted, free).values(leased_by=lease.run, leased_until=lease.until)
    )
    mine = select(table_of(Media)).where(*wanted, col(Media.leased_by) == lease.run).order_by(col(Media.code))
    return all_rows(connection, Media, mine)


def shared_paths(connection: Connection, media: Sequence[Media]) -> set[str]:
    """Paths that other media have too, which only imported ones can: their files stay for those."""
    paths = [one.path for one in media if one.path]
    statement = select(table_of(Media).c.path).where(
        col(Media.path).in_(paths), col(Media.code).not_in([one.code for one in media])
    )
    return {row[0] for row in connection.execute(statement)}


def preset_names(connection: Connection, codes: Sequence[str] = ()) -> list[str]:
    """Every preset there is or was, and those of which these media have thumbs."""
    names = set(connection.execute(select(table_of(Preset).c.name)).scalars())
    thumbs = select(table_of(Thumb).c.preset).distinct().where(col(Thumb.code).in_(codes))
    return sorted(names | set(connection.execute(thumbs).scalars()))


def remove_media(connection: Connection, lease: Lease, codes: Sequence[str], deliveries: Sequence[Row]) -> list[int]:
    """Media that this run holds: the rows go, their webhooks come, and items of batches keep only their marking.

    An item that was pending has failed, as `deleted`: submitted stays accepted + rejected. Returns the batches
    concerned, which are to be settled in the same transaction.
    """
    items = table_of(BatchItem)
    concerned = select(items.c.batch_id).distinct().where(col(BatchItem.code).in_(codes))
    batches = list(connection.execute(concerned).scalars())
    thumbs = select(table_of(Thumb).c.code, table_of(Thumb).c.preset).where(col(Thumb.code).in_(codes))
    _forget_deliveries(connection, batches, codes, [f"{code}/{preset}" for code, preset in connection.execute(thumbs)])
    mine = col(BatchItem.code).in_(codes)
    connection.execute(
        update(items)
        .where(mine, col(BatchItem.marking) == ItemMarking.PENDING)
        .values(marking=ItemMarking.FAILED, reason=DELETED)
    )
    connection.execute(update(items).where(mine).values(code=None, url=None, context={}))
    connection.execute(delete(table_of(Thumb)).where(col(Thumb.code).in_(codes)))
    connection.execute(delete(table_of(Media)).where(col(Media.code).in_(codes), col(Media.leased_by) == lease.run))
    insert_new(connection, Delivery, deliveries)
    return batches


def _forget_deliveries(
    connection: Connection, batches: Sequence[int], codes: Sequence[str], thumbs: Sequence[str]
) -> None:
    """What was to be said of these media, and the copies of what was said."""
    for kind, subjects in ((DeliveryKind.MEDIA, codes), (DeliveryKind.THUMB, thumbs)):
        connection.execute(
            delete(table_of(Delivery)).where(
                col(Delivery.batch_id).in_(batches), col(Delivery.kind) == kind, col(Delivery.subject).in_(subjects)
            )
        )


def mark_deleted(connection: Connection, root: str, key_hash: str) -> None:
    """From now on the account is nobody's: `key_hash` is of no key."""
    connection.execute(
        update(table_of(Account))
        .where(col(Account.root) == root, col(Account.deleted_at).is_(None))
        .values(deleted_at=utc_now(), key_hash=key_hash)
    )


def remove_batch_rows(connection: Connection, root: str, limit: int) -> int:
    """Some items, then deliveries, then batches of a deleted account. Returns how many; 0: none is left."""
    batches = select(table_of(Batch).c.id).where(col(Batch.root) == root)
    items, outbox = table_of(BatchItem), table_of(Delivery)
    some_items = select(items.c.batch_id, items.c.position).where(items.c.batch_id.in_(batches)).limit(limit)
    gone = connection.execute(delete(items).where(tuple_(items.c.batch_id, items.c.position).in_(some_items))).rowcount
    if gone:
        return gone
    some = select(outbox.c.id).where(outbox.c.root == root, outbox.c.batch_id.is_not(None)).limit(limit)
    gone = connection.execute(delete(outbox).where(outbox.c.id.in_(some))).rowcount
    if gone:
        return gone
    some = batches.limit(limit)
    return connection.execute(delete(table_of(Batch)).where(col(Batch.id).in_(some))).rowcount


def deleted_roots(connection: Connection) -> list[str]:
    return list(
        connection.execute(select(table_of(Account).c.root).where(col(Account.deleted_at).is_not(None))).scalars()
    )


def bury_accounts(connection: Connection, roots: Sequence[str]) -> list[str]:
    """Deletes those of them that have nothing left: no media, no batch, no webhook that waits or is dead."""
    account = table_of(Account)
    open_ones = (DeliveryMarking.PENDING, DeliveryMarking.DEAD)
    said = select(col(Delivery.id)).where(col(Delivery.root) == account.c.root, col(Delivery.marking).in_(open_ones))
    media = select(col(Media.code)).where(col(Media.root) == account.c.root)
    batches = select(col(Batch.id)).where(col(Batch.root) == account.c.root)
    empty = select(account.c.root).where(
        account.c.root.in_(roots), account.c.deleted_at.is_not(None), ~said.exists(), ~media.exists(), ~batches.exists()
    )
    found = list(connection.execute(empty).scalars())
    connection.execute(delete(table_of(Delivery)).where(col(Delivery.root).in_(found)))
    connection.execute(delete(table_of(Receiver)).where(col(Receiver.root).in_(found)))
    connection.execute(delete(table_of(DayUsage)).where(col(DayUsage.root).in_(found)))
    connection.execute(delete(table_of(StoredFile)).where(col(StoredFile.root).in_(found)))
    connection.execute(delete(account).where(account.c.root.in_(found)))
    return found


def forget_dead(connection: Connection, root: str) -> int:
    """Webhooks that no receiver took are given up for good."""
    return connection.execute(
        delete(table_of(Delivery)).where(col(Delivery.root) == root, col(Delivery.marking) == DeliveryMarking.DEAD)
    ).rowcount
