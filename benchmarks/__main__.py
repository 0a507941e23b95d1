"""python -m benchmarks [NAME]      runs bench_NAME; without a name bench_pipeline, as `make bench` does."""

import sys
from importlib import import_module
from pathlib import Path

names = sorted(file.stem.removeprefix("bench_") for file in Path(__file__).parent.glob("bench_*.py"))
name = sys.argv[1] if len(sys.argv) > 1 else "pipeline"
if name not in names:
    sys.exit(f"there is no benchmark {name}; there are: {', '.join(names)}")
import_module(f"benchmarks.bench_{name}").main()
