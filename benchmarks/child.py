"""A process that does one way of a thing, again and again as it is told, so that its CPU and memory are its own.

One JSON line is an order, one JSON line the answer. The other side may run in another virtual environment.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PROJECT = Path(__file__).parent.parent


class Child:
    """A context manager; `module` is run with `way` as its argument, by this Python or by `python`, with this process'
    environment or with `environment`."""

    def __init__(
        self, module: str, way: str, *, python: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = [str(python or sys.executable), "-m", module, way]
        self._environment = environment

    def ask(self, order: Any) -> Any:
        """Raises RuntimeError when the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"{' '.join(self._command)} ended with code {self._process.wait()}")
        return json.loads(line)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            cwd=PROJECT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def serve(ways: Mapping[str, Callable[[Any], Any]]) -> None:
    """The child's side, until nobody asks any more."""
    work = ways[sys.argv[1]]
    for line in sys.stdin:
        print(json.dumps(work(json.loads(line))), flush=True)
