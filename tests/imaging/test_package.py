"""Worker processes import the package before their first picture."""

import subprocess
import sys


def test_importing_brings_nothing_heavy() -> None:
    code = "import sys, sais.imaging; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert {"PIL", "numpy"} <= loaded
    assert not loaded & {"pandas", "sqlalchemy", "sqlmodel", "pydantic", "skimage", "scipy", "httpx", "prefect"}
