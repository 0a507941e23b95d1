"""Python imports this at its start in each process that has this folder on its PYTHONPATH: only the stacks of these
tests do, so that nothing else knows of seams."""

import os

if os.environ.get("CHAOS_SWITCH"):
    from tests.chaos.points import install

    install()
