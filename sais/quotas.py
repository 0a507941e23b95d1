"""Limits of an account, set by the operator: images in all, bytes downloaded a day, images waiting."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from sais.catalog import usage
from sais.catalog.accounts import change_account, get_account
from sais.errors import InputError, OverQuota, QueueFull
from sais.settings import Settings
from sais_models import Account
from sais_models.columns import utc_now
from sais_models.wire import AccountLimits, AccountUsage

LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Limits:
    """None: no limit."""

    images: int | None = None
    bytes_per_day: int | None = None
    queued: int | None = None

    @classmethod
    def of(cls, account: Account) -> "Limits":
        return cls(account.image_limit, account.daily_bytes_limit, account.queued_limit)

    @classmethod
    def for_new_accounts(cls, settings: Settings) -> "Limits":
        return cls(settings.account_images, settings.account_bytes_per_day, settings.account_queued)

    def columns(self) -> dict[str, int | None]:
        """As they stand on the account. Raises InputError for one that no column holds."""
        for name, value in asdict(self).items():
            if value is not None and not 0 <= value <= LARGEST:
                raise InputError(f"{name} is {value}; a limit is 0 to {LARGEST}, or none", field=name)
        return {
            "image_limit": self.images,
            "daily_bytes_limit": self.bytes_per_day,
            "queued_limit": self.queued,
        }

    def wire(self) -> AccountLimits:
        return AccountLimits(images=self.images, bytes_per_day=self.bytes_per_day, queued=self.queued)


def set_limits(connection: Connection, root: str, limits: Limits) -> Limits:
    """All three at once. Raises UnknownAccount, InputError."""
    get_account(connection, root)
    change_account(connection, root, **limits.columns())
    return limits


def usage_of(connection: Connection, root: str) -> AccountUsage:
    return AccountUsage(
        images=usage.count_images(connection, root),
        bytes_today=usage.bytes_of_day(connection, root, utc_now().date()),
        queued=usage.count_queued(connection, root),
    )


def hold_room(connection: Connection, account: Account) -> bool:
    """Until the transaction ends nobody else takes room of the account; False when it has no limit that is counted."""
    if account.image_limit is None and account.queued_limit is None:
        return False
    usage.lock_account(connection, account.root)
    return True


class Room:
    """How many more images an account may have, and have waiting; None: any number."""

    def __init__(self, images: int | None = None, queued: int | None = None) -> None:
        self._images = images
        self._queued = queued

    @classmethod
    def of(cls, connection: Connection, account: Account) -> "Room":
        """What is left now, and until the transaction ends nobody else's. Nothing is counted that has no limit."""
        if not hold_room(connection, account):
            return cls()
        limits = Limits.of(account)
        return cls(
            None if limits.images is None else limits.images - usage.count_images(connection, account.root),
            None if limits.queued is None else limits.queued - usage.count_queued(connection, account.root),
        )

    def without_queue(self) -> "Room":
        """For a request that is taken whole or not at all, by `require_places`."""
        return Room(self._images)

    def take_image(self) -> None:
        """For an image that the account does not have yet. Raises OverQuota (`quota_images`)."""
        if self._images is not None:
            if self._images <= 0:
                raise OverQuota("quota_images", "the account has as many images as it may have")
            self._images -= 1

    def has_place(self) -> bool:
        """Whether one more may wait; then it does."""
        if self._queued is None:
            return True
        self._queued -= 1
        return self._queued >= 0

    def require_places(self, account: Account, images: int) -> None:
        """Raises QueueFull when not all of `images` may wait, and InputError when they never will."""
        if self._queued is None or images <= self._queued:
            return
        limit = account.queued_limit or 0
        if images > limit:
            raise InputError(
                f"{images} images would wait, and {limit} may at once; send fewer in a request", field="images"
            )
        raise QueueFull(
            f"{limit - self._queued} images wait already, and {limit} may; send these {images} later", field="images"
        )
