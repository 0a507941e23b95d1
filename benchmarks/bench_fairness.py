"""Ten images of one account: on an idle stack, beside another account's large batch, and behind many of them.

python -m benchmarks fairness     BENCH_BULK=5000, BENCH_ACCOUNTS=4 and BENCH_REQUESTS=3 by default

The quick lane is off. Each large account has as many batches as it may have runs at once; in the last series there
are as many accounts as the worker has places, so that the ten images wait until a run gives way. Set
SAIS_ACCOUNT_RUNS=0 and SAIS_TURN_SECONDS=1000000 to see what it is like without turns.
"""

import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.corpus import corpus
from benchmarks.origin import LOOPBACK, Origin, free_port
from benchmarks.table import markdown_table
from sais.demo.stack import Stack, stack_environment
from sais.settings import Settings

BULK_IMAGES = int(os.environ.get("BENCH_BULK") or 5_000)
ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS") or 4)
REQUESTS = int(os.environ.get("BENCH_REQUESTS") or 3)
FEW = 10
PRESETS = ["small", "medium"]
LONGEST_WAIT = 900.0
POLL_SECONDS = 0.2


@dataclass
class Clients:
    """Accounts at one gateway, and images that none of them has sent yet."""

    http: httpx.Client
    addresses: list[str]
    keys: dict[str, str] = field(default_factory=dict)

    def send(self, root: str, images: int) -> str:
        """The id of the batch."""
        if root not in self.keys:
            setup = {"root": root, "approx": 20_000}
            self.keys[root] = self.http.post("/account_setup", json=setup).raise_for_status().json()["apiKey"]
        chosen = [self.addresses.pop() for _ in range(images)]
        body = {"root": root, "images": chosen, "filters": PRESETS, "apiKey": self.keys[root]}
        return str(self.http.post("/dispatch_process", json=body).raise_for_status().headers["X-Sais-Batch"])

    def pending(self, root: str, batch: str) -> int:
        answer = self.http.get(f"/batches/{batch}", headers={"Authorization": f"Bearer {self.keys[root]}"})
        return int(answer.raise_for_status().json()["pending"])

    def wait_until(self, root: str, batch: str, most_pending: int) -> None:
        """Raises TimeoutError after a quarter of an hour."""
        deadline = time.monotonic() + LONGEST_WAIT
        while self.pending(root, batch) > most_pending:
            if time.monotonic() > deadline:
                raise TimeoutError(f"batch {batch} of {root} has more than {most_pending} images left")
            time.sleep(POLL_SECONDS)

    def seconds_for_few(self, root: str) -> float:
        start = time.monotonic()
        self.wait_until(root, self.send(root, FEW), 0)
        return time.monotonic() - start

    def start_bulk(self, root: str, batches: int) -> list[str]:
        """Sends them, and waits until the first is being worked on."""
        sent = [self.send(root, BULK_IMAGES) for _ in range(batches)]
        self.wait_until(root, sent[0], BULK_IMAGES - 1)
        return sent


def measure(clients: Clients, runs: int) -> list[list[str]]:
    rows = [row("nothing else", [clients.seconds_for_few(f"few-idle-{n}") for n in range(REQUESTS)], "")]
    bulk = clients.start_bulk("bulk-0", 1)
    beside = [clients.seconds_for_few(f"few-beside-{n}") for n in range(REQUESTS)]
    rows.append(row(f"one batch of {BULK_IMAGES:,}", beside, f"{clients.pending('bulk-0', bulk[0]):,}"))
    sent = {f"bulk-{n}": clients.start_bulk(f"bulk-{n}", runs) for n in range(1, ACCOUNTS)}
    behind = [clients.seconds_for_few(f"few-behind-{n}") for n in range(REQUESTS)]
    left = sum(clients.pending(root, batch) for root, batches in sent.items() for batch in batches)
    name = f"{ACCOUNTS} accounts with {1 + runs * (ACCOUNTS - 1)} batches of {BULK_IMAGES:,}"
    return [*rows, row(name, behind, f"{left + clients.pending('bulk-0', bulk[0]):,}")]


def row(name: str, seconds: list[float], left: str) -> list[str]:
    return [name, *(f"{each:.1f}" for each in seconds), left]


def main() -> None:
    files = corpus()
    with tempfile.TemporaryDirectory(prefix="sais-fairness-") as folder:
        work, port = Path(folder), free_port()
        (work / "origin").mkdir()
        settings = Settings(home=work / "home", port=port)
        ours = {"SAIS_PREFECT_PORT": str(free_port()), "SAIS_QUICK_IMAGES": "0"}
        ours["SAIS_CHUNK_IMAGES"] = str(settings.chunk_images)
        url = f"http://{LOOPBACK}:{port}"
        runs = settings.account_runs or 2
        with (
            Origin(files[0].parent, work / "origin") as origin,
            Stack(work / "stack.log", stack_environment(settings, port, {**os.environ, **ours})) as stack,
            httpx.Client(base_url=url, timeout=60, trust_env=False) as http,
        ):
            stack.wait_until_ready(url)
            count = 3 * REQUESTS * FEW + BULK_IMAGES * (1 + runs * (ACCOUNTS - 1))
            rows = measure(Clients(http, origin.urls([file.name for file in files], count)), runs)
        head = ["beside", *(f"request {n + 1}, s" for n in range(REQUESTS)), "images left then"]
        print(f"{FEW} images of an account of their own, from POST to settled; {os.cpu_count()} cores.\n")
        print(markdown_table(head, rows))


if __name__ == "__main__":
    main()
