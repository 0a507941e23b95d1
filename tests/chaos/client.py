"""The client application: it registers accounts and hands over images, and tries again until it has an answer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from tests.chaos.stack import Stack

PATIENCE_SECONDS = 180
PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Sent:
    """A request that was answered: what was sent, and the batch that it became."""

    root: str
    batch: int
    urls: tuple[str, ...]


class Client:
    """Of all accounts. A request without an answer is sent again: the first may have been taken in, too.

    `wait` is what it does meanwhile.
    """

    def __init__(self, stack: Stack, wait: Callable[[float], None] = time.sleep) -> None:
        self._stack = stack
        self._wait = wait
        self._http = httpx.Client(base_url=stack.gateway, trust_env=False, timeout=30)
        self._keys: dict[str, str] = {}
        self.sent: list[Sent] = []
        self.unanswered = 0

    def register(self, root: str) -> None:
        hook = f"http://127.0.0.1:{self._stack.receiver_port}/hooks/{root}"
        setup = {"root": root, "approx": 5000, "mediaCallbackUrl": hook, "batchCallbackUrl": hook}
        made = self._post("/account_setup", setup).json()
        self._keys[root] = made["apiKey"]
        (self._stack.places.inbox / f"{root}.secret").write_text(made["webhookSecret"])

    def dispatch(self, root: str, urls: Sequence[str], presets: Sequence[str] = ()) -> Sent:
        order = {"root": root, "images": list(urls), "filters": list(presets), "apiKey": self._keys[root]}
        answer = self._post("/dispatch_process", order)
        sent = Sent(root, int(answer.headers["x-sais-batch"]), tuple(urls))
        self.sent.append(sent)
        return sent

    def status(self, batch: int, root: str) -> dict[str, Any]:
        answer = self._http.get(f"/batches/{batch}", headers={"Authorization": f"Bearer {self._keys[root]}"})
        status: dict[str, Any] = answer.raise_for_status().json()
        return status

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self._http.post(path, json=body)
                if not answer.is_server_error:
                    return answer.raise_for_status()
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer to {path} within {PATIENCE_SECONDS} s")
            self.unanswered += 1
            self._wait(PAUSE_SECONDS)
