"""What can be in the way of work."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a problem is about; a new one needs a look that finds it, and nothing else."""

    DATABASE = "database"
    STORAGE = "storage"
    DISK = "disk"
    PREFECT = "prefect"
    WORKER = "worker"
    QUICK_LANE = "quick_lane"
    RECEIVER = "receiver"
    HOST = "host"
    QUOTA = "quota"


@dataclass(frozen=True)
class Problem:
    """`since` in seconds, None where nobody knows; `stops`: nothing at all goes on while it lasts."""

    kind: Kind
    subject: str
    detail: str
    since: float | None = None
    stops: bool = False
