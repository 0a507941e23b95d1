"""Rows that are there already: the newer state stays, and nothing that is being worked on changes."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update

from sais.addressing import code_of
from sais.catalog.accounts import get_account
from sais.catalog.bulk import table_of
from sais.catalog.database import reading, writing
from sais.catalog.media import find_media, find_thumbs
from sais.dispatch import Submitted
from sais.fetching import Guard
from sais.submission import submit
from sais.transfer import Kind
from sais_models import Media
from sais_models.columns import utc_now
from tests.support.rows import everything, fill, url_of
from tests.transfer.conftest import Write, import_all

URL = url_of(0)
CODE = code_of(URL, "museum")


def line(days: int, **changes: Any) -> dict[str, Any]:
    """The media that is a day old here, in another state, `days` old."""
    told = {"code": CODE, "originalUrl": URL, "root": "museum", "marking": "failed", "reason": "http_404"}
    return {**told, "updatedAt": (utc_now() - timedelta(days=days)).isoformat(), **changes}


@pytest.fixture(autouse=True)
def one_media(engine: Engine) -> None:
    with writing(engine) as connection:
        fill(connection, "museum", 1)


def outcome(engine: Engine, source: Any, **options: Any) -> tuple[str, str]:
    """What was counted, and the marking after it."""
    tally = import_all(engine, source, **options)
    counted = {name for name in tally.sums[Kind.MEDIA] if name != "read"}
    with reading(engine) as connection:
        return ", ".join(sorted(counted)), find_media(connection, [CODE])[CODE].marking


def test_the_newer_state_wins_whichever_it_is(engine: Engine, write: Write) -> None:
    assert outcome(engine, write(media=[line(2)])) == ("kept", "resized")
    assert outcome(engine, write(media=[line(0, updatedAt=None)])) == ("kept", "resized")
    assert outcome(engine, write(media=[line(0)]), skip_existing=True) == ("kept", "resized")
    assert outcome(engine, write(media=[line(0)])) == ("updated", "failed")


def test_two_lines_of_one_media_are_settled_among_themselves(engine: Engine, write: Write) -> None:
    lines = [line(0, reason="first"), line(2, reason="older"), line(0, reason="last")]
    tally = import_all(engine, write(media=lines))
    assert tally.sums[Kind.MEDIA] == {"read": 3, "updated": 2, "kept": 1}
    with reading(engine) as connection:
        assert find_media(connection, [CODE])[CODE].reason == "last"


def test_a_leased_media_is_not_touched(engine: Engine, write: Write) -> None:
    with writing(engine) as connection:
        leased = {"leased_by": "run", "leased_until": utc_now() + timedelta(minutes=5)}
        connection.execute(update(table_of(Media)).values(leased))
    assert outcome(engine, write(media=[line(0)])) == ("busy", "resized")


def test_a_media_that_a_batch_waits_for_is_not_touched(engine: Engine, write: Write) -> None:
    with writing(engine) as connection:
        account = get_account(connection, "museum")
        submit(connection, account, [Submitted(URL)], guard=Guard(), presets=["large"])
    assert outcome(engine, write(media=[line(0)])) == ("busy", "resized")


def test_another_address_with_the_same_code_is_refused(engine: Engine, write: Write) -> None:
    with writing(engine) as connection:
        connection.execute(update(table_of(Media)).values(url="https://photos.example/collision"))
    tally = import_all(engine, write(media=[line(0)]))
    assert [bad["problem"] for bad in tally.bad] == ["another address has this code here"]


def test_an_account_that_is_there_stays_as_it_is(engine: Engine, write: Write) -> None:
    before = everything(engine)["account"]
    stranger = {"root": "museum", "mediaCallbackUrl": "https://stranger.example/", "apiKey": "mine"}
    tally = import_all(engine, write(users=[stranger]), with_secrets=True)
    assert tally.sums[Kind.ACCOUNTS] == {"read": 1, "kept": 1}
    assert everything(engine)["account"] == before


def test_thumbs_follow_the_same_rule(engine: Engine, write: Write) -> None:
    thumb = {"media": CODE, "liipCode": "small", "marking": "failed", "reason": "corrupt"}
    assert import_all(engine, write(thumbs=[thumb])).sums[Kind.THUMBS] == {"read": 1, "kept": 1}
    newer = thumb | {"updatedAt": utc_now().isoformat()}
    other = newer | {"liipCode": "tiny"}
    assert import_all(engine, write(thumbs=[newer, other])).sums[Kind.THUMBS] == {"read": 2, "updated": 1, "added": 1}
    with reading(engine) as connection:
        assert {thumb.reason for thumb in find_thumbs(connection, [CODE])[CODE]} == {"corrupt"}
