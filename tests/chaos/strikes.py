"""What happens to a stack on the way, in an order that a seed gives: processes are killed, servers are away."""

import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle, islice

from tests.chaos.processes import kill
from tests.chaos.stack import Stack

# A process that lives for seconds only (a flow's, an imaging worker) is waited for so long.
PATIENCE_SECONDS = 20
LOOK_SECONDS = 0.2
AWAY_SECONDS = (5, 20)
PAUSE_SECONDS = (2, 9)
# How often of 26 kills each process is the one.
SHARES = {
    "flow process": 7,
    "run starter": 2,
    "worker": 4,
    "imaging worker": 5,
    "gateway": 3,
    "quick runner": 3,
    "Prefect server": 2,
}


@dataclass(frozen=True)
class Strike:
    """`what` is a target to kill, or a store to be away for `seconds`; `pause` seconds after it."""

    what: str
    pause: float
    seconds: float = 0.0


@dataclass
class Toll:
    """`struck` counts what was hit, `missed` what could not be found to be killed."""

    struck: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    seconds_away: dict[str, float] = field(default_factory=dict)

    def kills(self, stack: Stack) -> int:
        return sum(number for what, number in self.struck.items() if what in stack.targets)


def plan(stack: Stack, seed: int, kills: int, absences: int) -> list[Strike]:
    """`kills` of the stack's processes by their shares, and each of its stores away `absences` times."""
    dice = random.Random(f"{seed}/strikes")
    struck = [*_shared(stack.targets, kills), *(store.name for store in stack.stores for _ in range(absences))]
    dice.shuffle(struck)
    stores = {store.name for store in stack.stores}
    return [
        Strike(what, dice.uniform(*PAUSE_SECONDS), dice.uniform(*AWAY_SECONDS) if what in stores else 0.0)
        for what in struck
    ]


def _shared(targets: Mapping[str, str], kills: int) -> list[str]:
    """Each target in turn, as long as it has a share left; then from the beginning."""
    shares = {name: share for name, share in SHARES.items() if name in targets}
    rounds = [name for turn in range(max(shares.values())) for name, share in shares.items() if turn < share]
    return list(islice(cycle(rounds), kills))


class Striker:
    """Strikes a stack, and counts. Servers that are away come back while it waits for something else.

    All in the thread that calls it: the kernel ends a server when the thread that started it has ended.
    """

    def __init__(self, stack: Stack, seed: int) -> None:
        self._stack = stack
        self._dice = random.Random(f"{seed}/targets")
        self._stores = {store.name: store for store in stack.stores}
        self._away: dict[str, float] = {}
        self.toll = Toll()

    def strike(self, blow: Strike) -> bool:
        """Waits for something to kill; False when there was nothing."""
        hit = self._send_away(blow) if blow.what in self._stores else self._kill_one(blow.what)
        if hit:
            self.toll.struck[blow.what] += 1
        return hit

    def give_up(self, blow: Strike) -> None:
        self.toll.missed[blow.what] += 1

    def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._bring_back()
            time.sleep(LOOK_SECONDS)

    def bring_all_back(self) -> None:
        while self._away:
            self.wait(LOOK_SECONDS)

    def _send_away(self, blow: Strike) -> bool:
        while blow.what in self._away:
            self.wait(LOOK_SECONDS)
        self._stores[blow.what].stop()
        self._away[blow.what] = time.monotonic() + blow.seconds
        self.toll.seconds_away[blow.what] = self.toll.seconds_away.get(blow.what, 0.0) + blow.seconds
        return True

    def _bring_back(self) -> None:
        for name in [name for name, until in self._away.items() if time.monotonic() >= until]:
            self._stores[name].start()
            del self._away[name]

    def _kill_one(self, target: str) -> bool:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = self._stack.processes.find(self._stack.targets[target])
            # The Prefect server leads a process that would keep its port; of the others each dies by itself.
            if found and kill(self._dice.choice(found), group=target == "Prefect server"):
                return True
            self.wait(LOOK_SECONDS)
        return False
