"""Runs of img2dataset, in a virtual environment of its own."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ["img2dataset==1.47.0"]
# Its default of 256 threads in each process is no quicker here.
THREADS = 32
PROCESSES = 2


@dataclass(frozen=True)
class Written:
    """Seconds: `whole` of the process, `work` from the start of its first shard to the end of the last."""

    whole: float
    work: float


def run_img2dataset(
    python: Path, urls: list[str], folder: Path, *, side: int, output_format: str, encode: str, quality: int
) -> Written:
    """Raises RuntimeError unless every image arrived. The longest side becomes `side`, as in SAIS' presets."""
    folder.mkdir()
    listed = folder / "urls.txt"
    listed.write_text("\n".join(urls))
    shard = -(-len(urls) // (4 * PROCESSES))
    options = {
        "url_list": listed,
        "output_folder": folder / "output",
        "output_format": output_format,
        "image_size": side,
        "resize_mode": "keep_ratio_largest",
        "encode_format": encode,
        "encode_quality": quality,
        "processes_count": PROCESSES,
        "thread_count": THREADS,
        "number_sample_per_shard": shard,
    }
    # A library in it would ask the network for its newest version at each start.
    told = os.environ | {"NO_ALBUMENTATIONS_UPDATE": "1"}
    command = [str(python.parent / "img2dataset"), *(f"--{name}={value}" for name, value in options.items())]
    start = time.perf_counter()
    with (folder / "log").open("w") as log:
        subprocess.run(command, env=told, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)
    whole = time.perf_counter() - start
    shards = [json.loads(file.read_text()) for file in (folder / "output").glob("*_stats.json")]
    arrived = sum(shard["successes"] for shard in shards)
    if arrived != len(urls):
        raise RuntimeError(f"img2dataset has {arrived} of {len(urls)} images: {(folder / 'log').read_text()[-2000:]}")
    return Written(whole, max(each["end_time"] for each in shards) - min(each["start_time"] for each in shards))


def images_of(folder: Path, encode: str) -> dict[str, Path]:
    """Each image's file by its URL, of a run whose output format is `files`."""
    facts = {file: json.loads(file.read_text()) for file in (folder / "output").glob("*/*.json")}
    return {fact["url"]: file.with_suffix(f".{encode}") for file, fact in facts.items()}
