"""Where an original is while it comes: a place of its run's own, so that two runs never write one file."""

import os
import time
from pathlib import Path

from sais.pipeline.resources import Resources
from sais_models import Media

# Fetching ends after SAIS_FETCH_SECONDS; what is ten times as old belongs to a run that was killed.
ABANDONED_AFTER = 10


def incoming_place(resources: Resources, media: Media) -> Path:
    return _folder(resources, media.root) / f"{media.code}.{resources.run}"


def clear_abandoned(resources: Resources, root: str) -> None:
    """Removes what runs that were killed have left of this account. Others may do so at the same time."""
    oldest = time.time() - ABANDONED_AFTER * resources.settings.fetch_seconds
    try:
        with os.scandir(_folder(resources, root)) as entries:
            old = [entry.path for entry in entries if entry.stat(follow_symlinks=False).st_mtime < oldest]
    except FileNotFoundError:
        return
    for path in old:
        Path(path).unlink(missing_ok=True)


def _folder(resources: Resources, root: str) -> Path:
    return resources.settings.originals_dir / root / ".incoming"
