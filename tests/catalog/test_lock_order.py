"""Two requests of an account with limits, for the same image and at once, do not wait for one another in a circle."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, text

from sais.accounts import set_up_account
from sais.catalog.accounts import get_account
from sais.catalog.database import open_database, reading, writing
from sais.catalog.presets import publish_presets
from sais.dispatch import Submitted
from sais.fetching import Guard
from sais.on_demand import Ordered, ThumbOrder, order_missing, order_thumb
from sais.quotas import Limits, hold_room, set_limits
from sais.serving import MissingThumb
from sais.submission import submit
from sais_models import Batch, PresetSettings
from sais_models.wire import AccountSetup
from tests.support.waiting import WAIT_SECONDS

pytestmark = pytest.mark.postgres

URL = "https://a.example/1.jpg"
PRESETS = [PresetSettings(name=name, width=64, height=64) for name in ("small", "medium")]
WAITING = text("select count(*) from pg_locks where not granted")


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = open_database(postgres_url)
    with writing(engine) as connection:
        publish_presets(connection, PRESETS)
        set_up_account(connection, AccountSetup(root="museum"), guard=Guard(), key=None)
        set_limits(connection, "museum", Limits(images=100, queued=100))
    yield engine
    engine.dispose()


def send(connection: Connection) -> str:
    """Sends the image, and gives its code."""
    submission = submit(
        connection, get_account(connection, "museum"), [Submitted(URL)], guard=Guard(), presets=["small"]
    )
    assert submission.pending == 1
    return str(connection.execute(text("select code from media")).scalar_one())


def ask_for_thumb(engine: Engine, code: str) -> Ordered | Batch | None:
    with writing(engine) as connection:
        account, order = get_account(connection, "museum"), ThumbOrder("medium", URL)
        return order_thumb(connection, account, order, guard=Guard(), public_url="http://s", queue_limit=100)


def look_at_thumb(engine: Engine, code: str) -> Ordered | Batch | None:
    missing = MissingThumb(code, "medium", stored=True, blurhash=None, size=None)
    with writing(engine) as connection:
        return order_missing(connection, missing, guard=Guard(), queue_limit=100)


def wait_until_one_waits(engine: Engine) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with reading(engine) as connection:
            if connection.execute(WAITING).scalar_one():
                return
        assert time.monotonic() < deadline, "nobody waits for a lock"


@pytest.mark.parametrize("ask", [ask_for_thumb, look_at_thumb])
def test_a_batch_that_is_sent_and_a_thumb_that_is_asked_for_cross(
    engine: Engine, ask: Callable[[Engine, str], Ordered | Batch | None]
) -> None:
    with writing(engine) as connection:
        code = send(connection)
    with ThreadPoolExecutor(1) as thread:
        with writing(engine) as connection:
            hold_room(connection, get_account(connection, "museum"))
            asked = thread.submit(ask, engine, code)
            wait_until_one_waits(engine)
            send(connection)
        assert asked.result(WAIT_SECONDS) is not None
