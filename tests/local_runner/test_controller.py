"""Katib's counters and ends, on trials made by hand."""

from typing import Any

import pytest
import yaml

from local_runner.controller import end_of, num_to_add, objective_of, observation
from local_runner.experiment import Experiment
from local_runner.load import parse_experiment
from local_runner.observation_store import MetricRow
from local_runner.record import metrics_of
from local_runner.state import TrialState
from tests.local_runner.experiments import experiment


def parsed(**spec: Any) -> Experiment:
    return parse_experiment(yaml.safe_dump(experiment(**spec)))


def trials(*conditions: str, value: str = "5") -> list[TrialState]:
    metrics = {"peak_rps": {"min": value, "max": value, "latest": value}}
    return [
        TrialState(
            name=f"t{index}",
            assignments={},
            condition=condition,  # type: ignore[arg-type]
            metrics=metrics if condition == "Succeeded" else {},
        )
        for index, condition in enumerate(conditions)
    ]


@pytest.mark.parametrize(
    ("parallel", "most", "conditions", "count"),
    [
        (2, 5, [], 2),
        (2, 5, ["Running"], 1),
        (2, 5, ["Running", "Created"], 0),
        (2, 5, ["Succeeded"] * 3, 2),
        (2, 5, ["Succeeded"] * 4, 1),  # only one is left
        (2, 5, ["Succeeded"] * 4 + ["Running"], 0),
        (2, 5, ["Failed"] * 3, 2),
        (2, 5, ["Succeeded"] * 5, 0),
        (3, None, ["Succeeded"] * 100, 3),
        (1, 5, ["Running", "Running"], 0),  # parallelTrialCount was lowered
    ],
)
def test_how_many_to_add(parallel: int, most: int | None, conditions: list[str], count: int):
    counts = {"parallelTrialCount": parallel}
    if most:
        counts["maxTrialCount"] = most
    built = experiment(**counts)
    if not most:
        del built["spec"]["maxTrialCount"], built["spec"]["maxFailedTrialCount"]
    assert num_to_add(parse_experiment(yaml.safe_dump(built)), trials(*conditions)) == count


@pytest.mark.parametrize(
    ("conditions", "has_succeeded", "message"),
    [
        (["Succeeded", "Running"], None, ""),
        (["Succeeded"] * 3, True, "All 3 trials are done."),
        (["Succeeded", "Failed", "Succeeded"], True, "All 3 trials are done."),
        (["Failed", "MetricsUnavailable"], False, "maxFailedTrialCount 1 must hold, but 2"),
    ],
)
def test_ends(conditions: list[str], has_succeeded: bool | None, message: str):
    end = end_of(parsed(), trials(*conditions))
    assert (end.has_succeeded if end else None) == has_succeeded
    assert message in (end.message if end else "")


def test_nothing_but_failures_is_no_success():
    end = end_of(parsed(maxFailedTrialCount=3), trials("Failed", "Failed", "Failed"))
    assert end is not None
    assert not end.has_succeeded


@pytest.mark.parametrize(
    ("kind", "goal", "is_reached"),
    [
        ("maximize", 5, True),
        ("maximize", 5.1, False),
        ("minimize", 5, True),
        ("minimize", 4, False),
    ],
)
def test_goals(kind: str, goal: float, is_reached: bool):
    objective = {"type": kind, "goal": goal, "objectiveMetricName": "peak_rps"}
    end = end_of(parsed(objective=objective), trials("Succeeded"))
    assert (end is not None) == is_reached


def row(value: str, name: str = "peak_rps") -> MetricRow:
    return MetricRow("2026-01-02T03:04:05Z", name, value)


def test_observation_keeps_min_max_and_latest_of_declared_metrics():
    rows = [row("2"), row("10"), row("3"), row("1", "undeclared")]
    assert observation(parsed(), rows) == {"peak_rps": {"min": "2", "max": "10", "latest": "3"}}


def test_text_is_only_the_latest():
    assert observation(parsed(), [row("2"), row("unavailable")]) == {
        "peak_rps": {"min": "2", "max": "2", "latest": "unavailable"}
    }
    assert observation(parsed(), [row("unavailable")])["peak_rps"]["max"] == "unavailable"
    assert observation(parsed(), []) == {}


@pytest.mark.parametrize("value", ["unavailable", "nan", "inf"])
def test_what_is_no_number_is_no_objective(value: str):
    (trial,) = trials("Succeeded", value=value)
    assert objective_of(parsed(), trial) is None
    assert metrics_of(parsed(), trial) == {}
