"""The outbox looked at, and what is dead put back into it; for the command line and the gateway alike."""

from sqlalchemy import Connection

from sais.catalog.deliveries import Which, find_deliveries, replay_dead
from sais.fetching import redact_url
from sais_models import Delivery, DeliveryMarking
from sais_models.wire import WebhookChoice, WebhookRow


def list_webhooks(
    connection: Connection, marking: DeliveryMarking, choice: WebhookChoice, *, root: str | None, limit: int
) -> list[WebhookRow]:
    """The newest first; `root` None: of all accounts."""
    return [row_of(delivery) for delivery in find_deliveries(connection, marking, which(choice, root), limit=limit)]


def replay_webhooks(connection: Connection, choice: WebhookChoice, *, root: str | None) -> int:
    """Dead ones are due again, with the same id and body. Returns how many."""
    return replay_dead(connection, which(choice, root))


def which(choice: WebhookChoice, root: str | None) -> Which:
    return Which(root, choice.batch, choice.ids, choice.receiver, choice.since, choice.until)


def row_of(delivery: Delivery) -> WebhookRow:
    return WebhookRow(
        id=delivery.id,
        batch=delivery.batch_id,
        kind=delivery.kind,
        subject=delivery.subject,
        receiver=redact_url(delivery.url),
        marking=delivery.marking,
        attempts=delivery.attempts,
        status_code=delivery.status_code,
        reason=delivery.reason,
        created_at=delivery.created_at,
        due_at=delivery.due_at,
        delivered_at=delivery.delivered_at,
    )
