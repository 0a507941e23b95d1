"""A small HTTP server on 127.0.0.1, in a thread of its own."""

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from sais.errors import SettingsError

LOOPBACK = "127.0.0.1"


class LoopbackServer:
    """A context manager; `port` 0 takes a free one. SettingsError when the port is taken.

    The socket listens before the thread runs, so the first request waits instead of being refused.
    """

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        self._socket = listening_socket(port)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._server = uvicorn.Server(
            uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name=f"http-{self.port}", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


def listening_socket(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise SettingsError(f"cannot listen on {LOOPBACK}:{port}: {error}", field="port") from error
    listener.listen(128)
    return listener
