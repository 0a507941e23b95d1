"""Virtual environments with what SAIS is compared with: nothing of it belongs into the project's own."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.corpus import bench_home
from benchmarks.sizes import QUICK


class NotInstalled(Exception):
    """A comparison that has to be left out."""


def own_python(name: str, packages: list[str]) -> Path:
    """The Python of an environment in the bench's home with these packages, made at the first call by pip.

    Raises NotInstalled where pip cannot install them, and in a quick run that would have to install them first.
    """
    folder = bench_home() / f"venv-{name}"
    python, ready = folder / "bin" / "python", folder / "ready"
    wanted = "\n".join([sys.version, *packages])
    if ready.is_file() and ready.read_text() == wanted:
        return python
    if QUICK:
        raise NotInstalled(f"left out in a quick run: {', '.join(packages)} would have to be installed first")
    print(f"installing {', '.join(packages)} into {folder}", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstalled(f"pip could not install {', '.join(packages)}: {done.stderr.strip()[-500:]}")
    ready.write_text(wanted)
    return python
