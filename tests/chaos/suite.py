"""Every seam by itself: a small batch, a kill exactly there, and what took over.

Which seams there are is found out by a batch that nothing disturbs: none can be forgotten.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.books import Books
from tests.chaos.client import Client, Sent
from tests.chaos.points import STEPS
from tests.chaos.scenario import served, wait_for_rest
from tests.chaos.seams import ANY
from tests.chaos.stack import Stack, wait_until_ready
from tests.chaos.verdict import judge

REST_SECONDS = 300
LOOK_SECONDS = 0.2
# Seams in the steps of different accounts do not meet; those of whole processes are torn one after the other.
AT_ONCE = 4


@dataclass
class Torn:
    """A seam at which a process was killed; `seconds` from the kill until all was settled and reported."""

    number: int
    seam: str
    passages: int
    took_over: str = ""
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def root(self) -> str:
        """An account for each: what is wrong after it is nobody else's."""
        return f"seam-{self.number}"

    @property
    def in_a_step(self) -> bool:
        return self.seam.partition(":")[0] in {step for step, _ in STEPS.values()}


class Suite:
    """`torn` is what has been seen so far."""

    def __init__(self, stack: Stack, images: int) -> None:
        self.torn: list[Torn] = []
        self._stack, self._images = stack, images
        self._client = Client(stack)

    def run(self, only: str = "") -> None:
        seams = [Torn(number, *seam) for number, seam in enumerate(self._discover().items(), 1) if only in seam[0]]
        with ThreadPoolExecutor(AT_ONCE) as together:
            list(together.map(lambda seam: self._tear(seam, seam.root), [s for s in seams if s.in_a_step]))
        for seam in seams:
            if not seam.in_a_step:
                self._tear(seam, ANY)

    def _discover(self) -> Counter[str]:
        self._client.register("seam-0")
        self._stack.switch.forget()
        self._send("seam-0", 0)
        if not wait_for_rest(self._stack.places, "seam-0", REST_SECONDS):
            raise TimeoutError("the batch that nothing disturbs did not come to rest")
        self._let_runs_end()
        return self._stack.switch.passed()

    def _let_runs_end(self, unless: Callable[[], bool] = lambda: False) -> None:
        """A run passes on its turn and gives back its leases when all has settled: these are seams, too."""
        deadline = time.monotonic() + REST_SECONDS
        while not unless() and self._stack.processes.find(self._stack.targets["flow process"]):
            if time.monotonic() > deadline:
                raise TimeoutError("a run does not end")
            time.sleep(LOOK_SECONDS)

    def _tear(self, torn: Torn, armed: str) -> None:
        stack = self._stack
        self._client.register(torn.root)
        before, unanswered = Counter(stack.processes.restarts), self._client.unanswered
        stack.switch.arm(torn.seam, max(1, torn.passages // 2), root=armed)
        sent = self._send(torn.root, torn.number)
        if not wait_for_rest(stack.places, torn.root, REST_SECONDS):
            torn.problems.append(f"not at rest after {REST_SECONDS} s")
        self._let_runs_end(lambda: stack.switch.fired_at(armed) is not None)
        now, fired = time.time(), stack.switch.fired_at(armed)
        stack.switch.disarm(armed)
        if fired is None:
            torn.problems.append("nothing came by this seam")
        else:
            torn.seconds = now - fired
        books = Books.of(stack.places, torn.root)
        torn.took_over = ", ".join(
            [
                *(f"{name} started again" for name in sorted((stack.processes.restarts - before).elements())),
                *(["the client sent again"] if armed == ANY and self._client.unanswered > unanswered else []),
                *self._what_went_on(torn, sent, books, fired or now),
            ]
        )
        torn.problems += judge(books, [sent], lambda url: served(stack, url)).problems
        wait_until_ready(stack)
        self.torn.append(torn)
        print(
            f"{torn.seam}: {torn.took_over}, {torn.seconds:.1f} s, {torn.problems or 'as it must be'}",
            file=sys.stderr,
            flush=True,
        )

    def _send(self, root: str, number: int) -> Sent:
        first = number * self._images
        urls = [self._stack.origin.url(f"/{first + image}.jpg") for image in range(self._images)]
        return self._client.dispatch(root, urls, ["small"])

    def _what_went_on(self, torn: Torn, sent: Sent, books: Books, killed: float) -> list[str]:
        """By the runs that Prefect knows of the account, the webhooks, and when they were delivered."""
        if torn.seam.startswith("imaging:"):
            return ["another imaging worker"]
        answer = httpx.post(
            f"{self._stack.prefect}/flow_runs/filter",
            json={"flow_runs": {"tags": {"all_": [f"account:{sent.root}"]}}, "sort": "START_TIME_ASC"},
            trust_env=False,
            timeout=30,
        )
        runs: list[dict[str, Any]] = answer.raise_for_status().json()
        resumed = [run for run in runs if "-after-" in (run["idempotency_key"] or "")]
        if resumed:
            return [f"`resume-stalled` started {'the run' if len(resumed) == len(runs) else 'another run'}"]
        if torn.seam.startswith("dispatch:"):
            return ["the gateway started the run"]
        late = [row for row in books.deliveries if row["delivered_at"] and row["delivered_at"].timestamp() > killed]
        return [f"`deliver-webhooks` sent what was left ({len(late)})"] if late else ["nothing was left to do"]
