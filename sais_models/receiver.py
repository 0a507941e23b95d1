"""Receiver: how the last webhooks to one server of an account went, so that a dead one is asked less often."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from sais_models.columns import UtcDateTime

# Pauses in a row after which a receiver is called dead: with the first two of 15 and 30 s, after about a minute.
DEAD_AFTER = 3


class Receiver(SQLModel, table=True):
    """`address` is scheme, host and port of callbacks. `failures` and `pauses` are in a row, up to now.

    While `paused_until` lies ahead nothing is sent; after it one delivery goes as a probe.
    """

    root: str = Field(primary_key=True, foreign_key="account.root")
    address: str = Field(primary_key=True)
    failures: int = 0
    pauses: int = 0
    paused_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    status_code: int | None = None
    reason: str | None = None
    tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    succeeded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    told_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def is_dead(self) -> bool:
        return self.pauses >= DEAD_AFTER
