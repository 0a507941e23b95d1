"""The bare imaging loop: nothing but `render` over files, one process for each core.

python -m benchmarks.bare FILE …      renders them when a line comes on stdin, prints images/s
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from sais.imaging import render
from sais_models import DEFAULT_PRESETS, PresetSettings

from benchmarks.installation import PRESETS
from benchmarks.measuring import Spent, measured

MAX_PIXELS = 100_000_000


def bare_loop(files: list[Path], images: int) -> Spent:
    """`images` renditions of the files in turn by as many processes as there are cores, started together."""
    cores = os.cpu_count() or 1
    tasks = [str(files[n % len(files)]) for n in range(images)]
    with measured() as spent:
        processes = [_start(tasks[core::cores]) for core in range(cores)]
        for process in processes:
            process.expect("ready")
