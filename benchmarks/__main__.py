"""python -m benchmarks [--quick] [NAME ...]      runs bench_NAME; without a name all of them, each in its own process.

`--quick` runs them at a tiny size, only to see that they work: no number of it means anything. What is not installed is
said and left out. `profile` draws where the time of a bulk run goes, into docs/.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

# What matters most first: all of them take an hour and a half.
ORDER = ("pipeline", "img2dataset", "imaging", "fetch", "storage", "catalog", "prefect", "latency", "gateway", "memory")
TINY = {"BENCH_IMAGES": "20", "BENCH_ROUNDS": "1"}
# Those that know no BENCH_QUICK.
QUICK = {"pipeline": TINY, "sync": {"BENCH_FILES": "2000"}}
QUICK_AT_ONCE = 2
# It waits for runs that last a minute, whatever its size.
NEVER_QUICK = {"fairness"}


def known_names() -> list[str]:
    there = {file.stem.removeprefix("bench_") for file in Path(__file__).parent.glob("bench_*.py")}
    return [name for name in ORDER if name in there] + sorted(there - set(ORDER))


def run_each(names: list[str]) -> int:
    """One after the other, so that none disturbs another. Goes on after one that breaks. The exit code."""
    broken = []
    for name in names:
        print(f"\n## {name}\n", flush=True)
        if subprocess.run(_command(name), check=False).returncode:
            broken.append(name)
    return _ended(broken)


def run_each_quickly(names: list[str]) -> int:
    """Two at a time: they wait for servers to start most of the time, and no number of them means anything."""

    def run(name: str) -> tuple[str, subprocess.CompletedProcess[str]]:
        told = dict(os.environ) | {"BENCH_QUICK": "1"} | QUICK.get(name, {})
        shown = subprocess.run(
            _command(name), env=told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return name, shown

    broken = []
    with ThreadPoolExecutor(QUICK_AT_ONCE) as threads:
        for name, done in threads.map(run, names):
            print(f"\n## {name}\n\n{done.stdout}", flush=True)
            if done.returncode:
                broken.append(name)
    return _ended(broken)


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks", name]


def _ended(broken: list[str]) -> int:
    if broken:
        print(f"\nbroken: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


def main(arguments: list[str]) -> int:
    quick, names = "--quick" in arguments, [each for each in arguments if each != "--quick"]
    unknown = set(names) - {*known_names(), "profile"}
    if unknown:
        print(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(known_names())}", file=sys.stderr)
        return 2
    if quick:
        return run_each_quickly(names or [name for name in known_names() if name not in NEVER_QUICK])
    if len(names) != 1:
        return run_each(names or known_names())
    module = names[0] if names[0] == "profile" else f"bench_{names[0]}"
    import_module(f"benchmarks.{module}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
