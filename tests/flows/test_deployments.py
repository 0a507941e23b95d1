"""prefect.yaml: every deployment's flow can be loaded, its parameters are a usable form, its schedules are as told."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

from deployments.environment import BULK_QUEUE, PROJECT, SWEEPS_QUEUE

DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
ALWAYS_ON = {"deliver-webhooks", "resume-stalled", "retention", "evict-originals"}
IDS = [deployment["name"] for deployment in DEPLOYMENTS]


def test_every_flow_has_a_deployment() -> None:
    flows = {path.name for path in (PROJECT / "flows").glob("*.py") if "@flow" in path.read_text()}
    assert {Path(deployment["entrypoint"].split(":")[0]).name for deployment in DEPLOYMENTS} == flows


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_the_entrypoint_is_a_flow_of_the_deployments_name(
    deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    flow: Flow[..., Any] = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
    assert flow.name == deployment["name"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_every_parameter_is_typed_and_described(deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    flow: Flow[..., Any] = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
    for name, schema in parameter_schema(flow.fn).properties.items():
        assert schema.get("description"), f"{deployment['name']}: {name} has no description"
    assert deployment["description"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_schedules_are_off_but_for_what_keeps_things_going(deployment: dict[str, Any]) -> None:
    active = [schedule for schedule in deployment.get("schedules", []) if schedule["active"]]
    assert bool(active) == (deployment["name"] in ALWAYS_ON)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_what_comes_each_minute_is_not_behind_long_runs(deployment: dict[str, Any]) -> None:
    minutely = any(schedule.get("interval") == 60 for schedule in deployment.get("schedules", []))
    queue = SWEEPS_QUEUE if minutely else BULK_QUEUE
    assert deployment["work_pool"]["work_queue_name"] == queue


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_a_wrong_value_is_refused_before_a_run_starts(deployment: dict[str, Any]) -> None:
    assert deployment["enforce_parameter_schema"] is True
