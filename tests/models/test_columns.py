"""Times keep their zone, enums their value, on both databases."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from sais.catalog.accounts import add_account, get_account
from sais.catalog.database import open_database, reading, writing
from sais.settings import Settings
from sais_models import Layout


def test_a_time_comes_back_as_the_same_moment_in_utc(settings: Settings) -> None:
    engine = open_database(settings.effective_database_url)
    there = datetime(2026, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=5)))
    with writing(engine) as connection:
        add_account(
            connection,
            root="museum",
            approx=1,
            layout=Layout.HEX22,
            key_hash="",
            webhook_secret="",
            created_at=there,
        )
    with reading(engine) as connection:
        account = get_account(connection, "museum")
        stored = connection.execute(text("select layout from account")).scalar_one()
    assert (account.created_at, account.created_at.tzinfo) == (there, UTC)
    assert (account.layout, stored) == (Layout.HEX22, "hex22")


def test_a_time_without_a_zone_is_refused(settings: Settings) -> None:
    engine = open_database(settings.effective_database_url)
    with pytest.raises(StatementError, match="without a zone"), writing(engine) as connection:
        add_account(
            connection,
            root="museum",
            approx=1,
            layout=Layout.HEX22,
            key_hash="",
            webhook_secret="",
            created_at=datetime(2026, 1, 2),
        )
