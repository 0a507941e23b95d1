"""A server that speaks the few calls of Prefect's REST API that the gateway makes (as recorded from Prefect 3.8)."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

DEPLOYMENT_ID = "0198c4c2-0000-7000-8000-00000000000{}"


@dataclass
class PrefectStub:
    """`faults` are statuses to answer first; `started` is called with the request of each new run. `heartbeat` is the
    age of the worker's last one in seconds, `polled` how long ago a worker asked the queue, `running` how many runs
    are under way."""

    url: str = ""
    faults: list[int] = field(default_factory=list)
    worker: str | None = "ONLINE"
    pool: str = "sais"
    heartbeat: float = 10.0
    paused: bool = False
    running: int = 0
    deployed: int = 1
    polled: float | None = 5.0
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    authorization: list[str | None] = field(default_factory=list)
    started: Callable[[dict[str, Any]], None] = lambda request: None

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.asked.append((method, path))
        if self.faults:
            return self.faults.pop(0), {"exception_message": "Service Unavailable"}
        deployment = DEPLOYMENT_ID.format(self.deployed)
        if (method, path) == ("POST", f"/api/deployments/{deployment}/create_flow_run"):
            return self._create(body)
        known: dict[tuple[str, str], Any] = {
            ("GET", "/api/health"): True,
            ("GET", f"/api/work_pools/{self.pool}"): {"name": self.pool, "is_paused": self.paused},
            ("POST", f"/api/work_pools/{self.pool}/workers/filter"): self._workers(),
            ("GET", f"/api/work_pools/{self.pool}/queues/default"): {
                "name": "default",
                "last_polled": self._asked_at(),
            },
            ("POST", "/api/flow_runs/count"): self.running,
        }
        if self.deployed:
            known["GET", "/api/deployments/name/ingest/ingest"] = {
                "id": deployment,
                "name": "ingest",
                "work_queue_name": "default",
            }
        return (200, known[method, path]) if (method, path) in known else (404, {"detail": "Not Found"})

    def _workers(self) -> list[dict[str, Any]]:
        heard = (datetime.now(UTC) - timedelta(seconds=self.heartbeat)).isoformat()
        worker = {"name": "worker", "status": self.worker, "last_heartbeat_time": heard}
        return [worker] if self.worker else []

    def _asked_at(self) -> str | None:
        return None if self.polled is None else (datetime.now(UTC) - timedelta(seconds=self.polled)).isoformat()

    def _create(self, body: dict[str, Any]) -> tuple[int, Any]:
        known = next((run for run in self.runs.values() if run["idempotency_key"] == body["idempotency_key"]), None)
        if known:
            return 200, known
        run = {**body, "id": f"0198c4c2-1111-7000-8000-{len(self.runs) + 1:012}"}
        self.runs[run["id"]] = run
        self.started(run)
        return 201, run


@contextmanager
def running_prefect(given: PrefectStub | None = None) -> Iterator[PrefectStub]:
    stub = given or PrefectStub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            stub.authorization.append(self.headers.get("Authorization"))
            status, value = stub.answer(self.command, self.path, json.loads(self.rfile.read(length) or "null"))
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.url = f"http://127.0.0.1:{server.server_address[1]}/api"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
