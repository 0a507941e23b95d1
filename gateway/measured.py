"""What was counted in the database, as families of Prometheus metrics."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from sais.health import Health, Kind, Word
from sais.measurements import Measurements
from sais_models import DeliveryMarking, ItemMarking
from sais_models.columns import utc_now


def families(found: Measurements | None) -> Iterator[Metric]:
    """None: the database does not answer, and only that is said."""
    yield GaugeMetricFamily("sais_database_up", "Whether the database answers", value=float(found is not None))
    if found is None:
        return
    yield _media(found)
    yield GaugeMetricFamily("sais_batches_open", "Batches that are not settled", value=found.queue.batches)
    yield GaugeMetricFamily("sais_items_pending", "Images still to be done", value=found.queue.images)
    yield GaugeMetricFamily(
        "sais_oldest_open_batch_seconds", "Age of the oldest batch that is not settled", value=_age(found.oldest_batch)
    )
    yield _dispatched(found.items)
    yield _outbox(found.outbox)


def families_of_health(health: Health) -> Iterator[Metric]:
    status = GaugeMetricFamily("sais_status", "1 for the word that /status says", labels=["status"])
    for word in Word:
        status.add_metric([word.value], float(word == health.word))
    yield status
    problems = GaugeMetricFamily("sais_problems", "Problems that /status lists, by kind", labels=["kind"])
    for kind in Kind:
        problems.add_metric([kind.value], sum(problem.kind == kind for problem in health.problems))
    yield problems
    if health.pool.heartbeat is not None:
        words = "Age of the worker's last heartbeat"
        yield GaugeMetricFamily("sais_worker_heartbeat_seconds", words, value=health.pool.heartbeat)


def _media(found: Measurements) -> Metric:
    family = GaugeMetricFamily("sais_media", "Media by account and marking", labels=["account", "marking"])
    for account, counts in found.media.items():
        for marking, count in counts.items():
            family.add_metric([account, marking.value], count)
    return family


def _dispatched(items: Mapping[ItemMarking, int]) -> Metric:
    """From the rows, not from what this process has seen: so uploads, manifests and runs count as well."""
    rejected = items.get(ItemMarking.REJECTED, 0)
    family = GaugeMetricFamily("sais_dispatched_images", "Images handed in, by outcome", labels=["outcome"])
    family.add_metric(["accepted"], sum(items.values()) - rejected)
    family.add_metric(["rejected"], rejected)
    return family


def _outbox(counts: Mapping[DeliveryMarking, int]) -> Metric:
    family = GaugeMetricFamily("sais_outbox", "Webhooks by marking", labels=["marking"])
    for marking in DeliveryMarking:
        family.add_metric([marking.value], counts.get(marking, 0))
    return family


def _age(born: datetime | None) -> float:
    return 0.0 if born is None else max(0.0, (utc_now() - born).total_seconds())
