"""A long run: images come in by and by while the stack is struck again and again; then it is left until it rests."""

import random
import sys
import time
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from tests.chaos.books import Books, Places
from tests.chaos.client import Client
from tests.chaos.stack import QUICK_IMAGES, Stack
from tests.chaos.strikes import Strike, Striker, Toll
from tests.chaos.supply import NUMBER, picture
from tests.chaos.verdict import Verdict, judge

ROOTS = ("museum", "library", "gallery", "archive")
# Every batch sends some images again that its account has sent before.
SENT_AGAIN = 0.05
SMALL_BATCHES = 0.4
REST_SECONDS = 420
# Twice the age at which an unfinished file is given up, in these stacks.
CLEAN_SECONDS = 40
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Outcome:
    """Seconds: `under_fire` from the first request to the last strike, `to_rest` from then until all had settled."""

    verdict: Verdict
    toll: Toll
    under_fire: float
    to_rest: float
    unanswered: int


def run(stack: Stack, seed: int, images: int, strikes: list[Strike]) -> Outcome:
    striker = Striker(stack, seed)
    client = Client(stack, striker.wait)
    for root in ROOTS:
        client.register(root)
    batches = _batches(stack, seed, images, at_least=len(strikes))
    start, missed = time.monotonic(), list[Strike]()
    for number, blow in enumerate(strikes):
        # Batches spread over the strikes, so that there is work whenever one comes.
        for root, urls, presets in batches[number * len(batches) // len(strikes) :][: _share(batches, strikes, number)]:
            client.dispatch(root, urls, presets)
        # What was not there comes again: a flow's process lives only while there is a large batch.
        missed = [blow for blow in [blow, *missed] if not _strike(striker, blow, start)]
    for blow in missed:
        if not _strike(striker, blow, start):
            striker.give_up(blow)
    struck = time.monotonic()
    striker.bring_all_back()
    rested = wait_for_rest(stack.places)
    seconds = time.monotonic() - struck
    cleaned = wait_until_clean(stack.places)
    verdict = judge(Books.of(stack.places), client.sent, lambda url: served(stack, url))
    if not rested:
        verdict.problems.insert(0, f"not at rest {REST_SECONDS} s after the last strike")
    if not cleaned:
        verdict.problems.append(f"half-written files are still there after {CLEAN_SECONDS} s")
    return Outcome(verdict, striker.toll, struck - start, seconds, client.unanswered)


def _strike(striker: Striker, blow: Strike, start: float) -> bool:
    hit = striker.strike(blow)
    if hit:
        away = f" away {blow.seconds:.0f} s" if blow.seconds else ""
        print(f"{time.monotonic() - start:6.1f} s  {blow.what}{away}", file=sys.stderr, flush=True)
        striker.wait(blow.pause)
    return hit


def served(stack: Stack, url: str) -> bytes | None:
    """The bytes that the origin has under this address; None for one that is missing."""
    match = NUMBER.search(url)
    if match is None or stack.origin.faults.is_missing(int(match[1])):
        return None
    return picture(int(match[1]))


def wait_for_rest(places: Places, root: str = "%", seconds: float = REST_SECONDS) -> bool:
    """Until the account (`%`: any) has no open batch, no waiting webhook and nothing that is to be tried again; False
    when that takes too long."""
    mine = f"root LIKE '{root}'"
    work = {"batch": "marking = 'open'", "delivery": "marking = 'pending'", "media": "retry_at IS NOT NULL"}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if not any(places.count(table, f"{condition} AND {mine}") for table, condition in work.items()):
                return True
        except SQLAlchemyError:
            pass
        time.sleep(LOOK_SECONDS)
    return False


def wait_until_clean(places: Places) -> bool:
    """Until no killed writer's file is left: the next runs remove them when they are old enough."""
    deadline = time.monotonic() + CLEAN_SECONDS
    while time.monotonic() < deadline:
        if not Books.of(places).half_written:
            return True
        time.sleep(2 * LOOK_SECONDS)
    return False


def _share(batches: list[tuple[str, list[str], list[str]]], strikes: list[Strike], number: int) -> int:
    return (number + 1) * len(batches) // len(strikes) - number * len(batches) // len(strikes)


def _batches(stack: Stack, seed: int, images: int, *, at_least: int) -> list[tuple[str, list[str], list[str]]]:
    """(account, addresses, presets): small ones for the quick lane and large ones, `images` different ones in all, and
    in each large one an address that must be refused."""
    dice = random.Random(f"{seed}/batches")
    large = max(1, round(images / at_least / (1 - SMALL_BATCHES)))
    made: list[tuple[str, list[str], list[str]]] = []
    sent: dict[str, list[str]] = {root: [] for root in ROOTS}
    numbers = iter(range(images))
    while numbers_left := [n for _, n in zip(range(_size(dice, large)), numbers, strict=False)]:
        root = dice.choice(ROOTS)
        urls = [stack.origin.url(f"/{number}.jpg") for number in numbers_left]
        again = dice.sample(sent[root], min(len(sent[root]), round(SENT_AGAIN * len(urls))))
        sent[root] += urls
        refused = ["ftp://127.0.0.1/refused.jpg"] if len(urls) > QUICK_IMAGES else []
        made.append((root, [*urls, *again, *refused], ["small"] if root == "library" else ["small", "medium"]))
    return made


def _size(dice: random.Random, large: int) -> int:
    return dice.randint(1, QUICK_IMAGES) if dice.random() < SMALL_BATCHES else large
