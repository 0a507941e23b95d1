"""Where the time of a bulk run goes, as a flame graph: the steps of `ingest` with their imaging workers, by py-spy.

python -m benchmarks profile      BENCH_IMAGES=1000; writes docs/profile.svg, or BENCH_PROFILE
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.corpus import bench_home, corpus
from benchmarks.installation import Installation
from benchmarks.origin import Origin
from benchmarks.own_python import own_python
from benchmarks.sizes import size
from deployments.environment import PROJECT

IMAGES = size("IMAGES", 1000, quick=20)
PACKAGES = ["py-spy==0.4.3"]
SAMPLES_A_SECOND = 100


def record(python: Path, installation: Installation, urls: list[str], drawing: Path) -> None:
    """Needs to be allowed to look into other processes: root, or kernel.yama.ptrace_scope=0."""
    work = [sys.executable, "-m", "benchmarks.steps", str(installation.write_order(urls)), "processes"]
    spy = [str(python.parent / "py-spy"), "record", "--subprocesses", "--rate", str(SAMPLES_A_SECOND)]
    command = [*spy, "--format", "flamegraph", "--output", str(drawing), "--", *work]
    subprocess.run(command, cwd=PROJECT, env=os.environ | installation.environment, check=True)


def anonymous(drawing: str, home: Path) -> str:
    """Without the folders and process numbers of this machine."""
    for folder in (home, bench_home(), Path(sys.prefix), Path(sys.base_prefix), PROJECT):
        drawing = drawing.replace(f"{folder}/", "")
    return re.sub(r"process \d+:", "process:", drawing)


def main() -> None:
    place = Path(os.environ.get("BENCH_PROFILE") or PROJECT / "docs" / "profile.svg")
    python = own_python("profile", PACKAGES)
    files = corpus()
    with TemporaryDirectory(dir=bench_home(), prefix=".run-") as name:
        work = Path(name)
        with Origin(files[0].parent, work) as origin:
            installation = Installation(work / "home", f"{origin.url}/hook")
            record(python, installation, origin.urls([file.name for file in files], IMAGES), work / "profile.svg")
        place.write_text(anonymous((work / "profile.svg").read_text(), work))
    print(f"{IMAGES} images: {place}")


if __name__ == "__main__":
    main()
