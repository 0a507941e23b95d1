"""Whose batch is next: as many runs of an account as its share, the one that waited longest first."""

from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import Connection, Engine, update

from sais.accounts import set_up_account
from sais.catalog.batches import add_batch, change_batch, find_batch
from sais.catalog.bulk import table_of
from sais.catalog.database import writing
from sais.catalog.stalled import stalled_batches
from sais.catalog.turns import Share, ask_for_turn, others_wait, pass_on_turn, stop_waiting
from sais.fetching import Guard
from sais_models import Batch, BatchMarking, Lane
from sais_models.columns import utc_now
from sais_models.wire import AccountSetup

TWO = Share(2)
GRACE_SECONDS = 120
runs = count(1)


def new_batch(connection: Connection, root: str = "museum", lane: Lane = Lane.BULK) -> Batch:
    return add_batch(connection, root=root, lane=lane, presets=["small"])


def start(connection: Connection, batch: Batch) -> None:
    """As the gateway and a run do."""
    change_batch(connection, batch.id or 0, flow_run_id=f"run-{next(runs)}")


def settle(connection: Connection, batch: Batch) -> None:
    change_batch(connection, batch.id or 0, marking=BatchMarking.SETTLED)


def a_while_later(connection: Connection) -> None:
    earlier = utc_now() - timedelta(seconds=GRACE_SECONDS + 1)
    connection.execute(update(table_of(Batch)).values(created_at=earlier))


def test_the_third_waits_until_one_of_two_has_ended(engine: Engine) -> None:
    with writing(engine) as connection:
        batches = [new_batch(connection) for _ in range(4)]
        granted = []
        for batch in batches:
            granted.append(ask_for_turn(connection, batch, TWO))
            if granted[-1]:
                start(connection, batch)
        assert granted == [True, True, False, False]
        settle(connection, batches[0])
        first = pass_on_turn(connection, "museum", TWO, ended=batches[0].id or 0)
        assert first is not None
        assert first.id == batches[2].id
        assert pass_on_turn(connection, "museum", TWO, ended=batches[0].id or 0) is None, "both turns are taken"
        settle(connection, batches[1])
        second = pass_on_turn(connection, "museum", TWO, ended=batches[1].id or 0)
        assert second is not None
        assert second.id == batches[3].id
        assert not others_wait(connection, "museum")


def test_accounts_do_not_wait_for_each_other(engine: Engine) -> None:
    with writing(engine) as connection:
        set_up_account(connection, AccountSetup(root="archive"), guard=Guard(), key=None)
        for _ in range(2):
            start(connection, new_batch(connection))
        assert ask_for_turn(connection, new_batch(connection, "archive"), TWO)


def test_one_that_gives_way_is_behind_those_who_waited(engine: Engine) -> None:
    one = Share(1)
    with writing(engine) as connection:
        long, short = new_batch(connection), new_batch(connection)
        start(connection, long)
        assert not ask_for_turn(connection, short, one)
        turn = pass_on_turn(connection, "museum", one, ended=long.id or 0, gave_way=True)
        assert turn is not None
        assert turn.id == short.id
        settle(connection, short)
        turn = pass_on_turn(connection, "museum", one, ended=short.id or 0)
        assert turn is not None
        assert turn.id == long.id


def test_one_that_gives_way_to_other_accounts_goes_on(engine: Engine) -> None:
    with writing(engine) as connection:
        batch = new_batch(connection)
        start(connection, batch)
        turn = pass_on_turn(connection, "museum", TWO, ended=batch.id or 0, gave_way=True)
        assert turn is not None
        assert turn.id == batch.id


def test_one_that_settled_meanwhile_does_not_wait(engine: Engine) -> None:
    with writing(engine) as connection:
        batch = new_batch(connection)
        settle(connection, batch)
        assert pass_on_turn(connection, "museum", TWO, ended=batch.id or 0, gave_way=True) is None


def test_asking_again_keeps_the_place(engine: Engine) -> None:
    one = Share(1)
    with writing(engine) as connection:
        going, first, second = (new_batch(connection) for _ in range(3))
        start(connection, going)
        for batch in (first, second, first):
            assert not ask_for_turn(connection, batch, one)
        turn = pass_on_turn(connection, "museum", one, ended=going.id or 0)
        assert turn is not None
        assert turn.id == first.id


def test_two_that_come_together_do_not_wait_for_each_other(engine: Engine) -> None:
    one = Share(1)
    with writing(engine) as connection:
        first, second = new_batch(connection), new_batch(connection)
        assert not ask_for_turn(connection, second, one)
        assert ask_for_turn(connection, first, one)


@pytest.mark.parametrize(
    ("share", "lane"), [(Share(0), Lane.BULK), (Share(1, (Lane.BULK,)), Lane.QUICK)], ids=["no share", "quick lane"]
)
def test_who_needs_no_turn(engine: Engine, share: Share, lane: Lane) -> None:
    with writing(engine) as connection:
        start(connection, new_batch(connection))
        assert ask_for_turn(connection, new_batch(connection, lane=lane), share)


def test_the_sweep_leaves_those_who_wait_to_the_run_that_passes_the_turn_on(engine: Engine) -> None:
    one = Share(1)
    with writing(engine) as connection:
        going, first, second = (new_batch(connection) for _ in range(3))
        start(connection, going)
        for batch in (first, second):
            ask_for_turn(connection, batch, one)
        a_while_later(connection)
        assert [batch.id for batch in stalled_batches(connection, grace=GRACE_SECONDS)] == [going.id]
        settle(connection, going)
        # The run died before it could pass the turn on: the sweep does, to one of them.
        assert [batch.id for batch in stalled_batches(connection, grace=GRACE_SECONDS)] == [first.id]
        stop_waiting(connection, first.id or 0)
        assert [batch.id for batch in stalled_batches(connection, grace=GRACE_SECONDS)] == [first.id]
        found = find_batch(connection, second.id or 0)
        assert found is not None
        assert found.waiting_since is not None
