"""KeyValue: small lists that an operator edits while everything runs; `scope` names the list."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from sais_models.columns import UtcDateTime, utc_now


class KeyValue(SQLModel, table=True):
    __tablename__ = "key_value"

    scope: str = Field(primary_key=True, max_length=32)
    key: str = Field(primary_key=True, max_length=200)
    value: str = ""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
