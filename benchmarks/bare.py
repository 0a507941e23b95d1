"""The bare imaging loop: nothing but `sais.imaging.render` over files, in one process for each core.

python -m benchmarks.bare      takes a JSON list of files on stdin, says when it is ready, starts at the next line
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.installation import PRESETS
from sais.imaging import render
from sais.pipeline.imaging_workers import worker_environment
from sais.settings import Settings
from sais_models import DEFAULT_PRESETS


@dataclass(frozen=True)
class Bare:
    """`seconds` until the last of the processes was done, `cpu` seconds of all."""

    images: int
    seconds: float
    cpu: float


def bare_loop(files: Sequence[Path]) -> Bare:
    """Renders each file once; the processes start together when all of them have rendered one."""
    cores = os.cpu_count() or 1
    processes = [_start(files[core::cores]) for core in range(cores)]
    for process in processes:
        _answer(process)
    for process in processes:
        _say(process, "go")
    done = [json.loads(_answer(process)) for process in processes]
    for process in processes:
        process.wait()
    return Bare(len(files), max(seconds for seconds, _ in done), sum(cpu for _, cpu in done))


def _start(files: Sequence[Path]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.bare"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
        env=worker_environment(),
    )
    _say(process, json.dumps([str(file) for file in files]))
    return process


def _say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the bare loop ended with code {process.wait()}")
    return line


def main() -> None:
    files = [Path(file) for file in json.loads(sys.stdin.readline())]
    presets = [preset for preset in DEFAULT_PRESETS if preset.name in PRESETS]
    limit = Settings().max_pixels
    render(files[0], presets, max_pixels=limit)
    print("ready", flush=True)
    sys.stdin.readline()
    start, cpu = time.perf_counter(), time.process_time()
    for file in files:
        render(file, presets, max_pixels=limit)
    print(json.dumps([time.perf_counter() - start, time.process_time() - cpu]), flush=True)


if __name__ == "__main__":
    main()
