"""From POST to webhook for one image, on an idle stack and beside a bulk batch.

python -m benchmarks latency      BENCH_REQUESTS=40 and BENCH_BULK=5000 are what it takes by default
"""

import json
import os
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from benchmarks.corpus import corpus
from benchmarks.origin import LOOPBACK, Origin, free_port
from benchmarks.sizes import size
from sais.demo.stack import Stack, stack_environment
from sais.settings import Settings

REQUESTS = size("REQUESTS", 40, quick=4)
BULK_IMAGES = size("BULK", 5_000, quick=200)
PRESETS = ["small", "medium"]
WEBHOOK_SECONDS = 60.0
WARM_UP = 5
BULK_SECONDS = 300.0


class Receiver:
    """Takes webhooks and notes when each address' came."""

    def __init__(self) -> None:
        self._came: dict[str, float] = {}
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://{LOOPBACK}:{self._server.server_address[1]}/hook"

    def wait_for(self, address: str) -> float:
        """The clock's time when the webhook about `address` came. Raises TimeoutError after a minute."""
        with self._changed:
            if not self._changed.wait_for(lambda: address in self._came, WEBHOOK_SECONDS):
                raise TimeoutError(f"no webhook for {address} within {WEBHOOK_SECONDS:.0f} s")
            return self._came[address]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                now = time.perf_counter()
                body = json.loads(self.rfile.read(int(self.headers.get("content-length", "0"))))
                self.send_response(200)
                self.end_headers()
                with receiver._changed:
                    receiver._came.setdefault(body["originalUrl"], now)
                    receiver._changed.notify_all()

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Sender:
    """An application with an account for single images and one for the bulk."""

    client: httpx.Client
    receiver: Receiver
    addresses: list[str]
    keys: dict[str, str] = field(default_factory=dict)

    def register(self, root: str, callback: str) -> None:
        setup = {"root": root, "approx": 20_000, "mediaCallbackUrl": callback}
        self.keys[root] = self._post("/account_setup", setup).json()["apiKey"]

    def one(self) -> float:
        """Seconds from the POST of an image that is new to its webhook."""
        address = self.addresses.pop()
        start = time.perf_counter()
        self._dispatch("single", [address])
        return self.receiver.wait_for(address) - start

    def bulk(self, images: int) -> str:
        """The id of a batch of that many."""
        batch = self._dispatch("bulk", [self.addresses.pop() for _ in range(images)]).headers["X-Sais-Batch"]
        deadline = time.monotonic() + BULK_SECONDS
        while self.left(batch) == images and time.monotonic() < deadline:
            time.sleep(0.2)
        return batch

    def left(self, batch: str) -> int:
        """How many images of it are still to be done."""
        answer = self.client.get(f"/batches/{batch}", headers={"Authorization": f"Bearer {self.keys['bulk']}"})
        return int(answer.raise_for_status().json()["pending"])

    def _dispatch(self, root: str, images: list[str]) -> httpx.Response:
        body = {"root": root, "images": images, "filters": PRESETS, "apiKey": self.keys[root]}
        return self._post("/dispatch_process", body)

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return self.client.post(path, json=body).raise_for_status()


def row(name: str, seconds: list[float]) -> str:
    """A line of the table: requests, median, 95th percentile, longest."""
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    return f"| {name} | {len(seconds)} | {statistics.median(seconds):.2f} | {p95:.2f} | {max(seconds):.2f} |"


def measure(sender: Sender) -> list[str]:
    for _ in range(WARM_UP):
        sender.one()
    rows = [row("idle", [sender.one() for _ in range(REQUESTS)])]
    if BULK_IMAGES:
        batch = sender.bulk(BULK_IMAGES)
        beside: list[float] = []
        while len(beside) < REQUESTS and sender.left(batch):
            beside.append(sender.one())
        rows.append(row(f"beside a batch of {BULK_IMAGES:,}, {sender.left(batch):,} left", beside))
    return rows


def main() -> None:
    files = corpus()
    with tempfile.TemporaryDirectory(prefix="sais-latency-") as folder:
        work, port = Path(folder), free_port()
        (work / "origin").mkdir()
        settings = Settings(home=work / "home", port=port)
        ports = {"SAIS_PREFECT_PORT": str(free_port()), "SAIS_CHUNK_IMAGES": str(settings.chunk_images)}
        environment = stack_environment(settings, port, {**os.environ, **ports})
        url = f"http://{LOOPBACK}:{port}"
        with (
            Origin(files[0].parent, work / "origin") as origin,
            Receiver() as receiver,
            Stack(work / "stack.log", environment) as stack,
            httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
        ):
            stack.wait_until_ready(url)
            count = WARM_UP + 2 * REQUESTS + BULK_IMAGES
            sender = Sender(client, receiver, origin.urls([file.name for file in files], count))
            sender.register("single", receiver.url)
            sender.register("bulk", f"{origin.url}/hook")
            rows = measure(sender)
            print("| one image, POST to webhook, seconds | requests | median | 95th percentile | longest |")
            print("|---|---|---|---|---|")
            print("\n".join(rows))


if __name__ == "__main__":
    main()
