"""What the database tells: what waits, and whom or what it waits for."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Connection

from sais.catalog.deliveries import count_deliveries
from sais.catalog.quick import waiting_batches
from sais.catalog.waiting import RECENT_SECONDS, is_held, oldest_open, recent_failures, refused_deliveries
from sais.fetching.failures import TRANSIENT_STATUSES
from sais.health.judging import Waiting
from sais.health.problems import Kind, Problem
from sais.overview import count_queue
from sais.reasons import passing_reasons
from sais.settings import Settings
from sais_models import DeliveryMarking
from sais_models.columns import utc_now

# One broken image is not its host's fault.
HOST_FAILURES = 10
# Nor is this: the account has downloaded as much as it may.
SPENT = "quota_bytes"
# The runner takes what waits every 0.05 s, and a gateway gives to a worker what it has left for 5 s.
QUICK_SECONDS = 10.0


@dataclass(frozen=True)
class Work:
    waiting: Waiting
    problems: list[Problem]


def look_at_work(connection: Connection, settings: Settings) -> Work:
    refused = refused_deliveries(connection)
    receivers = [
        Problem(Kind.RECEIVER, _host(one.url), f"{one.count} webhooks are not taken: {one.reason}", _age(one.since))
        for one in refused
    ]
    queue, oldest = count_queue(connection), oldest_open(connection)
    waiting = Waiting(
        batches=queue.batches,
        images=queue.images,
        oldest=_age(oldest[0]) if oldest else None,
        oldest_images=oldest[1] if oldest else 0,
        held=queue.images > 0 and is_held(connection),
        deliveries=count_deliveries(connection).get(DeliveryMarking.PENDING, 0),
        refused=sum(one.count for one in refused),
    )
    return Work(waiting, [*_quick_lane(connection, settings), *receivers, *_hosts(connection), *_quotas(connection)])


def _quick_lane(connection: Connection, settings: Settings) -> list[Problem]:
    """Requests that its runner should have taken long ago: it is not there, or it is stuck."""
    overdue = waiting_batches(connection, older_than=QUICK_SECONDS) if settings.quick_images else []
    if not overdue:
        return []
    detail = f"{len(overdue)} requests wait for the quick runner"
    return [Problem(Kind.QUICK_LANE, "quick runner", detail, max(_age(batch.created_at) for batch in overdue))]


def _hosts(connection: Connection) -> list[Problem]:
    """Hosts of which many images failed lately for reasons that pass."""
    passing = [reason for reason in passing_reasons() if reason != SPENT]
    reasons = [*passing, *(f"http_{status}" for status in sorted(TRANSIENT_STATUSES))]
    by_host: dict[str, Counter[str]] = defaultdict(Counter)
    for _, url, reason in recent_failures(connection, reasons):
        by_host[_host(url)][reason] += 1
    return [
        Problem(Kind.HOST, host, f"{counts.total()} images failed within {RECENT_SECONDS} s: {_told(counts)}")
        for host, counts in by_host.items()
        if counts.total() >= HOST_FAILURES
    ]


def _quotas(connection: Connection) -> list[Problem]:
    """Without the accounts' names, which are nobody else's concern: `sais status` tells them."""
    failed = Counter(root for root, _, _ in recent_failures(connection, [SPENT]))
    if not failed:
        return []
    detail = f"{failed.total()} images of {len(failed)} accounts failed within {RECENT_SECONDS} s: {SPENT}"
    return [Problem(Kind.QUOTA, "accounts", detail)]


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{reason} ({number})" for reason, number in counts.most_common())


def _host(url: str) -> str:
    """Without the path, which may hold a token."""
    return urlsplit(url).hostname or "(no host)"


def _age(moment: datetime) -> float:
    return max(0.0, (utc_now() - moment).total_seconds())
