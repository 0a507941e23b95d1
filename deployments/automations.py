"""Automations as code: what Prefect does by itself when a run dies, many fail, one waits too long, a receiver is dead.

Applied by the bootstrap, again and again: what has changed is updated, nothing is there twice, and one that an operator
has switched off stays off. For an own reaction copy an automation in the UI, or give `alert` somewhere to speak
(docs/alerts.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from prefect.automations import (
    AutomationCore,
    ChangeFlowRunState,
    EventTrigger,
    Posture,
    ResourceSpecification,
    RunDeployment,
)
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType

from tasks.deliver import RECEIVER_DEAD

ALERT = "alert/alert"
TAG = "sais"
RUNS = ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]})
OF_INGEST = ResourceSpecification({"prefect.resource.role": ["flow"], "prefect.resource.name": ["ingest"]})


@dataclass(frozen=True)
class Thresholds:
    """A run's heart beats every 30 s: three missed in a row are a death."""

    silence: timedelta = timedelta(seconds=90)
    failures: int = 5
    failures_within: timedelta = timedelta(minutes=10)
    late: timedelta = timedelta(minutes=5)


def automations(alert: UUID, thresholds: Thresholds) -> list[AutomationCore]:
    """`alert` is the id of the deployment that tells an operator."""
    return [
        AutomationCore(
            name="sais: runs whose process is gone are crashed",
            description="A run that sent heartbeats and then nothing; its batch is taken up by resume-stalled.",
            tags=[TAG],
            trigger=EventTrigger(
                after={"prefect.flow-run.heartbeat"},
                expect={"prefect.flow-run.*"},
                match=RUNS,
                for_each={"prefect.resource.id"},
                posture=Posture.Proactive,
                threshold=1,
                within=thresholds.silence,
            ),
            actions=[
                ChangeFlowRunState(state=StateType.CRASHED, message="No heartbeat: the process or its machine is gone.")
            ],
        ),
        AutomationCore(
            name="sais: many ingest runs fail",
            description=f"{thresholds.failures} within {thresholds.failures_within}: something that all of them need.",
            tags=[TAG],
            trigger=EventTrigger(
                expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
                match=RUNS,
                match_related=OF_INGEST,
                posture=Posture.Reactive,
                threshold=thresholds.failures,
                within=thresholds.failures_within,
            ),
            actions=[_tells(alert, "ingest-fails", "Many ingest runs failed; the last is {{ event.resource.name }}.")],
        ),
        AutomationCore(
            name="sais: a run waits too long",
            description=f"Late for {thresholds.late}: no worker polls the pool, or all are busy.",
            tags=[TAG],
            trigger=EventTrigger(
                after={"prefect.flow-run.Late"},
                expect={"prefect.flow-run.*"},
                match=RUNS,
                for_each={"prefect.resource.id"},
                posture=Posture.Proactive,
                threshold=1,
                within=thresholds.late,
            ),
            actions=[_tells(alert, "run-waits", "A run has waited too long: does a worker poll the pool?")],
        ),
        AutomationCore(
            name="sais: a receiver of webhooks is dead",
            description="It took nothing over several pauses; its webhooks are kept for a day, then as dead letters.",
            tags=[TAG],
            trigger=EventTrigger(
                expect={RECEIVER_DEAD},
                match=ResourceSpecification({"prefect.resource.id": ["sais.receiver.*"]}),
                for_each={"prefect.resource.id"},
                posture=Posture.Reactive,
                threshold=1,
            ),
            actions=[
                _tells(
                    alert, "receiver-dead", "{{ event.resource.name }} takes no webhooks: {{ event.payload.reason }}"
                )
            ],
        ),
    ]


def _tells(alert: UUID, subject: str, template: str) -> RunDeployment:
    message = {"__prefect_kind": "jinja", "template": template}
    return RunDeployment(source="selected", deployment_id=alert, parameters={"subject": subject, "message": message})


async def apply_automations(client: PrefectClient, thresholds: Thresholds | None = None) -> None:
    """Needs the deployment `alert/alert`."""
    alert = await client.read_deployment_by_name(ALERT)
    for wanted in automations(alert.id, thresholds or Thresholds()):
        await _apply(client, wanted)


async def _apply(client: PrefectClient, wanted: AutomationCore) -> None:
    there = await client.read_automations_by_name(wanted.name)
    if not there:
        await client.create_automation(wanted)
        return
    first, *others = there
    for other in others:
        await client.delete_automation(other.id)
    kept = wanted.model_copy(update={"enabled": first.enabled})
    if not _same(kept, first):
        await client.update_automation(first.id, kept)


def _same(wanted: AutomationCore, there: AutomationCore) -> bool:
    fields = set(AutomationCore.model_fields) - {"owner_resource"}
    return _plain(wanted, fields) == _plain(there, fields)


def _plain(automation: AutomationCore, fields: set[str]) -> object:
    """Sets have no order in JSON."""
    return _sorted(automation.model_dump(mode="json", include=fields, exclude={"trigger": {"id"}}))


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {name: _sorted(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return sorted(map(_sorted, value), key=repr)
    return value
