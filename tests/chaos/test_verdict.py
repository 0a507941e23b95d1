"""Each kind of damage is seen and named: a verdict that cannot fail would prove nothing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.chaos.conftest import Stage

SOME = "code IN (SELECT min(code) FROM media WHERE marking = 'resized')"


def sql(statement: str) -> Callable[[Stage], None]:
    def change(stage: Stage) -> None:
        engine = create_engine(stage.places.database_url)
        with engine.begin() as connection:
            assert connection.execute(text(statement)).rowcount
        engine.dispose()

    return change


def file_of(stage: Stage, folder: str) -> Path:
    found = (stage.places.originals.parent / folder).rglob("museum/*/*")
    return min(path for path in found if path.is_file())


def cut(folder: str) -> Callable[[Stage], None]:
    def shorten(stage: Stage) -> None:
        place = file_of(stage, folder)
        place.write_bytes(place.read_bytes()[:-9])

    return shorten


def twice(folder: str) -> Callable[[Stage], None]:
    def copy(stage: Stage) -> None:
        place = file_of(stage, folder)
        place.with_suffix(".jpeg").write_bytes(place.read_bytes())

    return copy


def webhook(**changes: object) -> Callable[[Stage], None]:
    def change(stage: Stage) -> None:
        record = stage.places.inbox / "webhooks"
        first, *rest = record.read_text().splitlines()
        record.write_text("\n".join([json.dumps(json.loads(first) | changes), *rest]) + "\n")

    return change


def lose_a_webhook(stage: Stage) -> None:
    record = stage.places.inbox / "webhooks"
    record.write_text("".join(record.read_text().splitlines(keepends=True)[1:]))


DAMAGE: dict[str, tuple[Callable[[Stage], None], str]] = {
    "a batch that is open": (sql("UPDATE batch SET marking = 'open'"), "is open"),
    "an item that nobody works on": (sql(f"UPDATE batch_item SET marking = 'pending' WHERE {SOME}"), "submitted, but"),
    "an item that is gone": (sql(f"DELETE FROM batch_item WHERE {SOME}"), "5 submitted, but"),
    "fewer submitted than sent": (sql("UPDATE batch SET submitted = 4"), "5 sent, 4 submitted"),
    "a failure that the origin did not cause": (
        sql(f"UPDATE media SET marking = 'failed', reason = 'timeout' WHERE {SOME}"),
        "('failed', 'timeout')",
    ),
    "a media that stays held": (sql(f"UPDATE media SET leased_by = 'somebody' WHERE {SOME}"), "still leased"),
    "half an original in the archive": (cut("archive"), "is not what"),
    "an original twice in the archive": (twice("archive"), "belongs to no media"),
    "half a thumb": (cut("cache"), "thumb small/"),
    "a thumb twice": (twice("cache"), "belongs to no thumb"),
    "a thumb that was not made": (sql(f"UPDATE thumb SET marking = 'new' WHERE {SOME}"), "though its media is done"),
    "an original twice": (twice("originals"), "left in the folder of originals"),
    "a media that is not reported": (
        sql(f"DELETE FROM delivery WHERE subject IN (SELECT code FROM media WHERE {SOME})"),
        "was never reported",
    ),
    "a batch that is not summed up": (sql("DELETE FROM delivery WHERE kind = 'summary'"), "summed up 0 times"),
    "a webhook that waits": (sql("UPDATE delivery SET marking = 'pending'"), "is still pending"),
    "a webhook that never came": (lose_a_webhook, "never arrived"),
    "a webhook with another body": (webhook(body="0"), "another body"),
    "a webhook with another id": (webhook(id="msg_0"), "of no delivery"),
    "a webhook that somebody else signed": (webhook(verified=False), "does not fit"),
}


@pytest.fixture
def finished(stage: Stage) -> Stage:
    assert stage.work() == 0
    assert stage.verdict().problems == []
    return stage


async def test_all_that_can_be_wrong_is_named(finished: Stage, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One batch for all of them: what it left is put back after each."""
    home = finished.places.originals.parent
    kept = shutil.copytree(home, tmp_path_factory.mktemp("kept") / "home")
    for name, (damage, words) in DAMAGE.items():
        damage(finished)
        problems = finished.verdict().problems
        assert any(words in problem for problem in problems), f"{name}: {problems}"
        shutil.rmtree(home)
        shutil.copytree(kept, home)
    assert finished.verdict().problems == []
