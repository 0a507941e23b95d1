"""Several processes that serve one socket (SAIS_GATEWAY_WORKERS); uvicorn starts one again that ends."""

import asyncio
import multiprocessing
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from gateway.application import create_application
from gateway.configuring import collect_seldom, configure, set_up_logs
from sais.errors import InfrastructureError
from sais.runs import PrefectSettings
from sais.settings import Settings

# A process answers its first question when it has imported everything, which takes seconds on a busy machine.
HEALTH_SECONDS = 60


def application() -> FastAPI:
    """What uvicorn calls in each process, within its loop: asking Prefect needs a loop of its own."""
    set_up_logs()
    _end_with_parent()
    prefect = PrefectSettings()
    with ThreadPoolExecutor(1) as other:
        configuration = other.submit(asyncio.run, configure(Settings(), prefect)).result()
    made = create_application(configuration, prefect)
    collect_seldom()
    return made


def serve_together(listener: socket.socket, workers: int, options: dict[str, Any]) -> None:
    """Until it is told to end. Raises InfrastructureError when a process cannot start."""
    config = uvicorn.Config(
        f"{__name__}:application",
        factory=True,
        workers=workers,
        timeout_worker_healthcheck=HEALTH_SECONDS,
        **options,
    )
    supervisor = Multiprocess(config, sockets=[listener])
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise InfrastructureError("a process of the gateway could not start; the log says why")


def _end_with_parent() -> None:
    """A parent that was killed cannot tell its processes to end, and they would hold the port."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
