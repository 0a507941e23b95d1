"""Strikes are what the seed says, and a killed process is back."""

import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from tests.chaos.processes import TOKEN, Processes, kill
from tests.chaos.stack import TARGETS, Stack, Store
from tests.chaos.strikes import plan

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
WAIT_SECONDS = 60


def stack_of(targets: dict[str, str], *stores: str) -> Stack:
    away = [Store(name, stop=lambda: None, start=lambda: None) for name in stores]
    return cast("Stack", SimpleNamespace(targets=targets, stores=away))


def test_the_same_seed_plans_the_same_strikes() -> None:
    stack = stack_of(TARGETS, "PostgreSQL", "S3", "receiver")
    strikes = plan(stack, 5, kills=26, absences=2)
    assert strikes == plan(stack, 5, kills=26, absences=2)
    assert strikes != plan(stack, 6, kills=26, absences=2)
    counted = Counter(blow.what for blow in strikes)
    assert sum(counted[name] for name in TARGETS) == 26
    assert min(counted[name] for name in TARGETS) >= 2, "each of them is killed"
    assert [counted[name] for name in ("PostgreSQL", "S3", "receiver")] == [2, 2, 2]
    assert all(5 <= blow.seconds <= 20 for blow in strikes if blow.what not in TARGETS)


def test_there_are_as_many_kills_as_asked_for() -> None:
    for kills in (1, 4, 13, 60):
        assert len(plan(stack_of(TARGETS), 1, kills=kills, absences=2)) == kills


def test_targets_that_a_stack_does_not_have_are_not_struck() -> None:
    targets = {name: words for name, words in TARGETS.items() if name != "quick runner"}
    assert {blow.what for blow in plan(stack_of(targets), 1, kills=40, absences=2)} == set(targets)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_process_is_started_again_and_a_stopped_one_is_not(tmp_path: Path) -> None:
    with Processes({TOKEN: "strikes"}, tmp_path) as processes:
        processes.start("sleeper", SLEEPER)
        wait_until(lambda: len(processes.find("time.sleep")) == 1)
        (first,) = processes.find("time.sleep")
        assert kill(first)
        wait_until(lambda: processes.restarts["sleeper"] == 1)
        wait_until(lambda: processes.find("time.sleep") not in ([], [first]))
        processes.stop("sleeper")
        assert processes.find("time.sleep") == []
        processes.start("sleeper", SLEEPER)
    assert processes.find("") == [], "nothing is left when the stack ends"
