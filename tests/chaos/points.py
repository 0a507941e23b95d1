"""Where the seams are: before and after each commit, each rename, each object put into S3, each webhook, each picture.

The modules are wrapped when they are imported, before anybody takes a name out of them. One that has moved is an error
at once: a seam that is not there would be a test that cannot fail.
"""

import functools
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from tests.chaos.seams import STEP, Passing, Step

PROJECT = Path(__file__).parent.parent.parent
# The functions of the pipeline that are a step each.
STEPS = {
    "sais.pipeline.plan": ("plan", "plan_batch"),
    "sais.pipeline.download": ("download", "download_chunk"),
    "sais.pipeline.archive": ("archive", "archive_chunk"),
    "sais.pipeline.resize": ("resize", "resize_chunk"),
    "sais.pipeline.notify": ("notify", "notify_chunk"),
}
# What a seam outside these steps is called, by a word of the process's command line.
WHOLE_PROCESSES = {
    "gateway": "dispatch",
    "sais.imaging.worker": "imaging",
    "deployments.flow_run": "run",
    "deployments.run_starter": "run",
}
# Times of minutes that are no settings, in seconds: what they are is no part of what is proved.
CLOCKS: dict[str, tuple[str, Any]] = {
    "sais.webhooks.sending": ("HELD_SECONDS", 8),
    "sais.webhooks.attempts": ("PAUSES", (2, 5, *[10] * 8)),
    "sais.retry_times": ("PAUSES", (5, 10, 20, 20, 20)),
}
WRITES = {"put_object", "upload_part", "complete_multipart_upload"}


def install() -> None:
    """In a process that has just started."""
    words = sys.orig_argv
    whole = next((Step(step) for word, step in WHOLE_PROCESSES.items() if word in words), None)
    passing = Passing(Path(os.environ["CHAOS_SWITCH"]), whole)
    wrappers: dict[str, Callable[[ModuleType], None]] = {
        "sqlalchemy.engine.default": lambda module: _wrap_commit(module.DefaultDialect, passing),
        "s3fs.core": lambda module: _wrap_s3(module.S3FileSystem, passing),
        "sais.storage.s3_puts": lambda module: _wrap_method(module.Puts, "put", "S3 put_object", passing),
        "sais.fetching.fetcher": lambda module: _wrap_method(module.Fetcher, "post", "a webhook", passing),
        "sais.settling": lambda module: _wrap_settle(module, passing),
        "sais.imaging.rendering": lambda module: _wrap_plain(module, "render", "a picture", passing),
    }
    for name, (step, function) in STEPS.items():
        wrappers[name] = functools.partial(_wrap_step, step=step, function=function)
    for name, (constant, seconds) in CLOCKS.items():
        wrappers[name] = functools.partial(_shorten, constant=constant, seconds=seconds, then=wrappers.get(name))
    sys.meta_path.insert(0, _Watcher(wrappers))
    for function in ("rename", "replace"):
        _wrap_rename(function, passing)


class _Watcher(MetaPathFinder):
    """Wraps what a module defines, when it has just been executed."""

    def __init__(self, wrappers: dict[str, Callable[[ModuleType], None]]) -> None:
        self._wrappers = wrappers

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        wrapper = self._wrappers.get(name)
        spec = PathFinder.find_spec(name, path) if wrapper else None
        if spec is None or spec.loader is None or wrapper is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_wrap(module: ModuleType) -> None:
            execute(module)
            wrapper(module)

        spec.loader.exec_module = execute_and_wrap  # type: ignore[method-assign]
        return spec


def _wrap_step(module: ModuleType, *, step: str, function: str) -> None:
    original: Callable[..., Awaitable[Any]] = getattr(module, function)

    @functools.wraps(original)
    async def inside(resources: Any, work: Any, *args: Any, **kwargs: Any) -> Any:
        """`work` is the order or the chunk."""
        former = STEP.set(Step(step, str(getattr(work, "root", None) or work.account)))
        try:
            return await original(resources, work, *args, **kwargs)
        finally:
            STEP.reset(former)

    setattr(module, function, inside)


def _shorten(module: ModuleType, *, constant: str, seconds: Any, then: Callable[[ModuleType], None] | None) -> None:
    if not hasattr(module, constant):
        raise AttributeError(f"{module.__name__} has no {constant}")
    setattr(module, constant, seconds)
    if then is not None:
        then(module)


def _wrap_plain(module: ModuleType, function: str, what: str, passing: Passing) -> None:
    original: Callable[..., Any] = getattr(module, function)

    @functools.wraps(original)
    def around(*args: Any, **kwargs: Any) -> Any:
        passing.pass_by(f"before {what}")
        answer = original(*args, **kwargs)
        passing.pass_by(f"after {what}")
        return answer

    setattr(module, function, around)


def _wrap_settle(module: ModuleType, passing: Passing) -> None:
    """Within the transaction: rows are saved, items and webhooks are not yet; and the moment when all are."""
    settle: Callable[..., None] = module.settle

    @functools.wraps(settle)
    def around(connection: Any, codes: Any, **kwargs: Any) -> None:
        wanted = list(codes)
        if not wanted:
            settle(connection, wanted, **kwargs)
            return
        passing.pass_by("before settling, rows saved")
        settle(connection, wanted, **kwargs)
        passing.pass_by("after settling, webhooks in the outbox, not committed")

    module.settle = around  # type: ignore[attr-defined]


def _wrap_commit(dialect: Any, passing: Passing) -> None:
    commit = dialect.do_commit

    def around(self: Any, connection: Any) -> None:
        what = _transaction(sys._getframe(1))
        if what is None:  # of Prefect's own database, or a migration
            commit(self, connection)
            return
        passing.pass_by(f"before commit of {what}")
        commit(self, connection)
        passing.pass_by(f"after commit of {what}")

    dialect.do_commit = around


def _transaction(frame: FrameType | None) -> str | None:
    """The function of `sais` or the gateway whose transaction this is, found on the stack."""
    while frame is not None:
        code = frame.f_code
        if code.co_name == "commit" and code.co_filename.endswith("catalog/threaded.py"):
            return str(frame.f_locals["change"].__name__).strip("_")
        if code.co_filename.startswith(str(PROJECT / "sais")) and not code.co_filename.endswith("catalog/database.py"):
            return code.co_name.strip("_")
        frame = frame.f_back
    return None


def _wrap_rename(function: str, passing: Passing) -> None:
    original = getattr(os, function)

    @functools.wraps(original)
    def around(source: Any, target: Any, **kwargs: Any) -> None:
        # A target beneath an opened folder is a bare name: then the place where it was written tells.
        what = _kind_of(os.fspath(target)) or _kind_of(os.fspath(source))
        if what is None:
            original(source, target, **kwargs)
            return
        passing.pass_by(f"before rename of {what}")
        original(source, target, **kwargs)
        passing.pass_by(f"after rename of {what}")

    setattr(os, function, around)


def _kind_of(target: str | bytes) -> str | None:
    """Which of our files it is, by its folder; None for one of somebody else's."""
    parts = Path(os.fsdecode(target)).parts
    kinds = {".incoming": "a download", "originals": "an original", "archive": "an archived file", "cache": "a thumb"}
    return next((kind for part, kind in kinds.items() if part in parts), None)


def _wrap_s3(system: Any, passing: Passing) -> None:
    call = system._call_s3

    async def around(self: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method not in WRITES:
            return await call(self, method, *args, **kwargs)
        passing.pass_by(f"before S3 {method}")
        answer = await call(self, method, *args, **kwargs)
        passing.pass_by(f"after S3 {method}")
        return answer

    system._call_s3 = around


def _wrap_method(kind: Any, method: str, what: str, passing: Passing) -> None:
    original = getattr(kind, method)

    async def around(self: Any, *args: Any, **kwargs: Any) -> Any:
        passing.pass_by(f"before {what}")
        answer = await original(self, *args, **kwargs)
        passing.pass_by(f"after {what}")
        return answer

    setattr(kind, method, around)
