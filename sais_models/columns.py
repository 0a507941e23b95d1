"""How values are kept in every table, the same on SQLite and PostgreSQL: aware UTC times and enums by value."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """Stores aware datetimes as UTC and gives aware UTC datetimes back; a naive one is a ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored; use utc_now()")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


def enum_column(kind: type[StrEnum]) -> type[Any]:
    """A column type that keeps the member's value as text (SQLModel's default keeps its Python name)."""

    members = {member.value: member for member in kind}

    class EnumColumn(TypeDecorator[StrEnum]):
        impl = String(16)
        cache_ok = True

        def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
            return None if value is None else members[value].value

        def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
            return None if value is None else members[value]

    return EnumColumn


def utc_now() -> datetime:
    return datetime.now(UTC)
