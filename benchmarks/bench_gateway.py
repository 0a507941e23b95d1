"""The gateway: how many cached thumbs it serves, beside nginx with the shipped configuration; how many URLs it takes.

python -m benchmarks gateway      BENCH_SECONDS=3, BENCH_URLS=1000 and BENCH_ROUNDS=5
"""

import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.load import requests_per_second
from benchmarks.measuring import Spent, measured
from benchmarks.origin import LOOPBACK, free_port, wait_for_port
from benchmarks.sizes import ROUNDS, size
from deployments.nginx import configuration, served_presets
from sais.accounts import set_up_account
from sais.addressing import code_of, path_of
from sais.catalog.bulk import new_row, update_rows
from sais.catalog.database import open_database, reading, writing
from sais.catalog.media import save_thumbs
from sais.catalog.presets import publish_presets
from sais.dispatch import Submitted
from sais.fetching import Guard
from sais.settings import Settings
from sais.submission import submit
from sais_models import DEFAULT_PRESETS, Account, Layout, Media, MediaMarking, Thumb, ThumbMarking
from sais_models.wire import AccountSetup

ROOT = "bench"
THUMB_BYTES = 15_000
WORKERS = 2
CONNECTIONS = 32
SECONDS = size("SECONDS", 3, quick=1)
URLS = size("URLS", 1000, quick=100)
START_SECONDS = 60
Process = subprocess.Popen[bytes]
NGINX_TEMP = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def install(settings: Settings) -> tuple[str, str]:
    """An account with one thumb in the cache. Returns its key and the thumb's path."""
    engine = open_database(settings.effective_database_url)
    guard = Guard()
    with writing(engine) as connection:
        publish_presets(connection, DEFAULT_PRESETS)
        info = set_up_account(connection, AccountSetup(root=ROOT), guard=guard, key=None)
        account = Account(root=ROOT, approx=1, layout=Layout.OCTAL2, key_hash="", webhook_secret="")
        url = "https://photos.example/thumb.jpg"
        submit(connection, account, [Submitted(url)], guard=guard, presets=["small"])
        code = code_of(url, ROOT)
        path = path_of(ROOT, code, Layout.OCTAL2, "jpg")
        update_rows(connection, Media, [{"code": code, "marking": MediaMarking.RESIZED, "path": path}])
        done = {"marking": ThumbMarking.DONE, "recipe": "abcdefabcdef", "mime_type": "image/webp", "size": THUMB_BYTES}
        save_thumbs(connection, [new_row(Thumb, code=code, preset="small", **done)])
    engine.dispose()
    place = settings.home / "cache" / "small" / path
    place.parent.mkdir(parents=True)
    place.write_bytes(os.urandom(THUMB_BYTES))
    return info.api_key or "", f"/media/cache/small/{path}"


@contextmanager
def running(
    command: list[str], port: int, environment: dict[str, str], wait: Callable[[int, Process], None] = wait_for_port
) -> Iterator[Process]:
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent, env=environment, stdin=subprocess.DEVNULL)
    try:
        wait(port, process)
        yield process
    finally:
        process.terminate()
        process.wait()


def wait_for_workers(port: int, process: Process) -> None:
    """The socket takes connections before its processes serve: until each of them has answered."""
    wait_for_port(port, process)
    seen: set[str] = set()
    deadline = time.monotonic() + START_SECONDS
    while len(seen) < WORKERS:
        assert time.monotonic() < deadline, f"{len(seen)} of {WORKERS} processes serve"
        text = httpx.get(f"http://{LOOPBACK}:{port}/metrics", trust_env=False, timeout=START_SECONDS).text
        seen.update(re.findall(r'process="(\d+)"', text))


def nginx_command(nginx: str, work: Path, settings: Settings, port: int) -> list[str]:
    engine = open_database(settings.effective_database_url)
    with reading(engine) as connection:
        server = configuration(settings, served_presets(connection), listen=f"{LOOPBACK}:{port}")
    engine.dispose()
    folders = "".join(f"{name}_temp_path {work}/{name};\n" for name in NGINX_TEMP)
    (work / "nginx.conf").write_text(
        f"{'user root;' if os.geteuid() == 0 else ''}\ndaemon off;\nworker_processes {WORKERS};\npid {work}/pid;\n"
        f"events {{ worker_connections 512; }}\nhttp {{\n{folders}access_log off;\n{server}\n}}\n"
    )
    return [nginx, "-p", str(work), "-c", str(work / "nginx.conf"), "-e", str(work / "error.log")]


@dataclass
class Rates:
    """A second, of each round; and CPU milliseconds for each that was counted, also where the machine is not ours."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, count: float, spent: Spent) -> None:
        self.rates.append(count / spent.seconds)
        self.cpu.append(1000 * sum(spent.servers.values()) / count)

    def row(self, what: str, unit: str) -> str:
        rates, cpu = self.rates, statistics.median(self.cpu)
        middle = f"{statistics.median(rates):,.0f} | {min(rates):,.0f} to {max(rates):,.0f}"
        return f"| {what} | {middle} {unit}/s | {cpu:.3f} |"


def serve_rates(servers: Mapping[str, tuple[int, int]], path: str) -> dict[str, Rates]:
    """Requests of each, measured one after the other in every round; `servers` are port and process by name."""
    found = {name: Rates() for name in servers}
    for _ in range(ROUNDS):
        for name, (port, pid) in servers.items():
            with measured({name: pid}) as spent:
                rate = asyncio.run(requests_per_second(LOOPBACK, port, path, connections=CONNECTIONS, seconds=SECONDS))
            found[name].add(rate * spent.seconds, spent)
    return found


def dispatch_rates(port: int, pid: int, key: str) -> dict[str, Rates]:
    """URLs: in each round a thousand that are new, then the same again."""
    found = {"new": Rates(), "known": Rates()}
    with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=60, trust_env=False) as client:
        for number in range(ROUNDS):
            images = [f"https://photos.example/{number}/{n}.jpg" for n in range(URLS)]
            for kind, rates in found.items():
                with measured({kind: pid}) as spent:
                    answer = client.post(
                        "/dispatch_process",
                        json={"root": ROOT, "images": images, "filters": ["small"]},
                        headers={"Authorization": f"Bearer {key}"},
                    )
                assert answer.status_code == 200, f"{kind}: {answer.text[:200]}"
                rates.add(URLS, spent)
    return found


def measure(work: Path) -> str:
    """One markdown table: medians of the rounds, and from the slowest to the fastest."""
    port, front = free_port(), free_port()
    settings = Settings(home=work / "home", port=port)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SAIS_", "PREFECT_"))}
    environment |= {"SAIS_HOME": str(settings.home), "SAIS_PORT": str(port), "SAIS_ACCESS_LOG": "off"}
    environment["SAIS_GATEWAY_WORKERS"] = str(WORKERS)
    key, path = install(settings)
    command = [sys.executable, "-m", "gateway"]
    with ExitStack() as stack:
        gateway = stack.enter_context(running(command, port, environment, wait_for_workers))
        servers = {f"GET a cached thumb of 15 KB, gateway ({WORKERS} workers)": (port, gateway.pid)}
        nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
        if nginx:
            beside = stack.enter_context(running(nginx_command(nginx, work, settings, front), front, environment))
            servers[f"the same, nginx ({WORKERS} workers) with deployments/nginx.conf"] = (front, beside.pid)
        served = serve_rates(servers, path)
        taken = dispatch_rates(port, gateway.pid, key)
    lines = ["| what | median | range | CPU ms each |", "|---|---|---|---|"]
    lines += [rates.row(what, "requests") for what, rates in served.items()]
    lines += [rates.row(f"POST /dispatch_process, {URLS:,} URLs, all {kind}", "URLs") for kind, rates in taken.items()]
    if not nginx:
        lines.append("| nginx is not installed | | | |")
    return "\n".join(lines)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="sais-bench-") as work:
        print(measure(Path(work)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
