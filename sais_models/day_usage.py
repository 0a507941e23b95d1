"""DayUsage: what an account has downloaded on one day."""

from datetime import date

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class DayUsage(SQLModel, table=True):
    """`day` is a day of UTC."""

    __tablename__ = "day_usage"

    root: str = Field(primary_key=True, foreign_key="account.root")
    day: date = Field(primary_key=True)
    downloaded_bytes: int = Field(default=0, sa_type=BigInteger)
