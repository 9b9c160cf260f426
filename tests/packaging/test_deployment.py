"""prefect.yaml names a flow that exists, with parameters it takes, on a schedule in the portfolio's time zone."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml


@pytest.fixture(scope="module")
def deployment(project_root: Path) -> dict[str, Any]:
    (only,) = yaml.safe_load((project_root / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    return dict(only)


def parameters_of(root: Path, entrypoint: str) -> dict[str, bool]:
    """The parameters of the flow function, and whether each must be given; read without importing Prefect."""
    module, name = entrypoint.split(":")
    path = root.joinpath(*module.split(".")[1:]).with_suffix(".py")
    (function,) = (
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    )
    assert any(ast.unparse(decorator).startswith("flow") for decorator in function.decorator_list)
    names = [argument.arg for argument in function.args.args]
    required = len(names) - len(function.args.defaults)
    return {name: position < required for position, name in enumerate(names)}


def test_parameters_are_those_of_the_flow(project_root: Path, deployment: dict[str, Any]) -> None:
    assert deployment["entrypoint"] == "kehu.flows.nightly:nightly"
    parameters = parameters_of(project_root, deployment["entrypoint"])
    assert set(deployment["parameters"]) == set(parameters)
    assert [
        name for name, is_required in parameters.items() if is_required and deployment["parameters"][name] is None
    ] == []


def test_a_worker_in_a_temporary_folder_finds_and_keeps_everything(deployment: dict[str, Any]) -> None:
    places = [deployment["parameters"][name] for name in ("exports", "project", "home")]
    assert [place for place in places if place is not None and not Path(place).is_absolute()] == []
    assert deployment["parameters"]["project"] or deployment["parameters"]["home"]


def test_the_schedule_is_in_the_time_zone_of_the_portfolio(deployment: dict[str, Any]) -> None:
    from kehu.config.settings import Portfolio

    (schedule,) = deployment["schedules"]
    assert ZoneInfo(schedule["timezone"]).key == Portfolio().timezone
    minute, hour, *every = schedule["cron"].split()
    assert (0 <= int(minute) < 60, 0 <= int(hour) < 24, every) == (True, True, ["*", "*", "*"])


@pytest.mark.slow
def test_prefect_accepts_the_deployment(project_root: Path, deployment: dict[str, Any]) -> None:
    from prefect.cli.deploy._models import DeploymentConfig
    from prefect.client.schemas.schedules import CronSchedule
    from prefect.flows import load_flow_from_entrypoint

    DeploymentConfig.model_validate(deployment)
    (schedule,) = deployment["schedules"]
    CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    flow = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
    given = {name: value for name, value in deployment["parameters"].items() if value is not None}
    assert set(flow.validate_parameters(given)) >= set(given)
