"""What serves the photographs where nginx is not installed.

python -m benchmarks.plain_origin FOLDER PORT LOG
"""

import mimetypes
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.origin import LOOPBACK


def handler_for(files: dict[str, bytes], log: Path) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            body = files.get(name)
            self._answer(404 if body is None else 200, body or b"", name)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            self._answer(200, b"")

        def _answer(self, status: int, body: bytes, name: str = "") -> None:
            self.send_response(status)
            self.send_header("content-type", mimetypes.guess_type(name)[0] or "application/octet-stream")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            with lock, log.open("a") as lines:
                lines.write(f"{self.command} {int(code)}\n")

    return Handler


def main(folder: str, port: str, log: str) -> None:
    files = {file.name: file.read_bytes() for file in Path(folder).iterdir() if file.is_file()}
    ThreadingHTTPServer((LOOPBACK, int(port)), handler_for(files, Path(log))).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
