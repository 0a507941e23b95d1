"""Seams: named points between two steps that a kill must not be able to tear apart.

A folder is what the harness and the processes share: `armed-ROOT` names the seam at which the next process that comes
by for this account kills itself, `fired-ROOT` tells that one did, `passed` has a line for each passage. ANY stands for
the seams of processes that work for nobody in particular.
"""

import json
import os
import secrets
import signal
import threading
import time
from collections import Counter
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

ANY = "*"
# Taken before anything is wrapped.
_rename = os.rename


class Step(NamedTuple):
    """The step that a thread or task is in, and for which account."""

    name: str
    root: str = ANY


STEP: ContextVar[Step | None] = ContextVar("chaos_step", default=None)


class Switch:
    """The harness's end."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def environment(self, project: Path) -> dict[str, str]:
        """What a process needs to have seams."""
        return {
            "CHAOS_SWITCH": str(self.folder),
            "PYTHONPATH": f"{project / 'tests' / 'chaos' / 'switch'}{os.pathsep}{project}",
        }

    def arm(self, seam: str, passage: int = 1, *, root: str = ANY) -> None:
        """The first process to pass this seam for the `passage`-th time from now on ends there."""
        draft = self.folder / f"draft-{root}"
        draft.write_text(json.dumps([seam, passage, secrets.token_hex(4)]))
        _rename(draft, self.folder / f"armed-{root}")

    def disarm(self, root: str = ANY) -> None:
        for name in ("armed", "fired"):
            (self.folder / f"{name}-{root}").unlink(missing_ok=True)

    def fired_at(self, root: str = ANY) -> float | None:
        """When a process ended at the seam, as time.time(); None when none has yet."""
        try:
            return (self.folder / f"fired-{root}").stat().st_ctime
        except FileNotFoundError:
            return None

    def passed(self) -> Counter[str]:
        """How often each seam was passed, in the order of the first passage."""
        try:
            return Counter((self.folder / "passed").read_text().splitlines())
        except FileNotFoundError:
            return Counter()

    def forget(self) -> None:
        (self.folder / "passed").unlink(missing_ok=True)


class Passing:
    """The process's end: counts passages of what is armed, and ends its own process at the one that is meant."""

    def __init__(self, folder: Path, whole: Step | None) -> None:
        self._folder, self._whole = folder, whole
        self._passed: Counter[str] = Counter()
        self._order = threading.Lock()

    def pass_by(self, what: str) -> None:
        """`what` gets the step in front that this thread or task is in; outside every step nothing is a seam, unless
        the whole process is one step."""
        step = STEP.get() or self._whole
        if step:
            with self._order:
                self._pass(f"{step.name}: {what}", step.root)

    def _pass(self, seam: str, root: str) -> None:
        with (self._folder / "passed").open("a") as passed:
            passed.write(f"{seam}\n")
        try:
            armed, passage, token = json.loads((self._folder / f"armed-{root}").read_text())
            if armed != seam:
                return
            self._passed[token] += 1
            if self._passed[token] < passage:
                return
            _rename(self._folder / f"armed-{root}", self._folder / f"fired-{root}")
        except FileNotFoundError:  # nothing is armed, or another process was here first
            return
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)  # nothing after the seam may happen while the signal is on its way
