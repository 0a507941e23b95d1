"""docs/operations.md: a section for each deployment, with the parameters that its flow has."""

import re
from typing import Any

import pytest
import yaml
from prefect.flows import Flow, load_flow_from_entrypoint

from deployments.environment import PROJECT

DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
IDS = [deployment["name"] for deployment in DEPLOYMENTS]
TEXT = (PROJECT / "docs/operations.md").read_text()
# By the name in the heading; a section may be there before its deployment.
SECTIONS = dict(re.findall(r"^## `([a-z-]+)`\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_every_deployment_has_a_section_that_says_all_there_is_to_know(deployment: dict[str, Any]) -> None:
    section = SECTIONS.get(deployment["name"], "")
    parts = re.findall(r"^\*\*(When|Parameters|Shows|Undo)\*\*:", section, re.MULTILINE)
    assert parts == ["When", "Parameters", "Shows", "Undo"]
    assert f"`{deployment['name']}`" in TEXT.split("\n## ")[0], "it is in the table at the top"


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_the_parameters_are_those_of_the_flow(deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    flow: Flow[..., Any] = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
    rows = re.findall(r"^\| (\*\*)?`([a-z_]+)`(?:\*\*)? \|", SECTIONS[deployment["name"]], re.MULTILINE)
    assert {name for _, name in rows} == set(flow.parameters.properties)
    assert {name for bold, name in rows if bold} == set(flow.parameters.required)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
def test_when_says_whether_its_schedule_is_on(deployment: dict[str, Any]) -> None:
    for schedule in deployment.get("schedules", []):
        when = SECTIONS[deployment["name"]].split("**Parameters**")[0]
        assert ("switch" in when or ", off" in when) != schedule["active"]
