"""Turns a cluster's Experiment, Trials and Suggestion into what tables and reports show.

The objects are the API server's JSON. Their fields are in kubeflow/katib,
pkg/apis/controller/{experiments,trials,suggestions}/v1beta1/*_types.go.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from experiment_report import ExperimentRecord, ParameterInfo, TrialRecord

Object = Mapping[str, Any]
COMPLETED = ("Succeeded", "Failed", "Killed", "EarlyStopped", "MetricsUnavailable")


@dataclass(frozen=True, kw_only=True)
class ExperimentState:
    """An Experiment on a cluster, as it is now.

    Attributes:
        record: What a report shows.
        max_trial_count: Trials after which it ends; None without a limit.
        condition: Katib's condition, ``Running`` for instance; empty before the first.
        notes: What a user should know besides, such as why no trial starts.
    """

    record: ExperimentRecord
    max_trial_count: int | None
    condition: str
    notes: tuple[str, ...] = ()

    @property
    def has_succeeded(self) -> bool:
        return self.condition == "Succeeded"


def experiment_state(
    experiment: Object, trials: Sequence[Object], suggestion: Object | None
) -> ExperimentState:
    """Builds the state of an Experiment.

    Args:
        experiment: The Experiment.
        trials: Its Trials, in any order.
        suggestion: Its Suggestion; None before Katib has made it.
    """
    spec = experiment["spec"]
    condition, message = _condition(experiment)
    is_finished = condition in ("Succeeded", "Failed")
    objective = spec["objective"]
    records = tuple(_trial(trial, objective) for trial in _in_order(trials, suggestion))
    record = ExperimentRecord(
        name=experiment["metadata"]["name"],
        algorithm=spec["algorithm"]["algorithmName"],
        objective_metric=objective["objectiveMetricName"],
        direction=objective["type"],
        goal=objective.get("goal"),
        parameters=tuple(_parameter(parameter) for parameter in spec.get("parameters") or ()),
        trials=records,
        is_finished=is_finished,
        status_message=message or condition or "not yet seen by Katib",
        phase_seconds=_seconds_by_condition(records),
    )
    return ExperimentState(
        record=record,
        max_trial_count=spec.get("maxTrialCount"),
        condition=condition,
        notes=_notes(suggestion, records, is_finished=is_finished, condition=condition),
    )


def _parameter(parameter: Object) -> ParameterInfo:
    space = parameter.get("feasibleSpace") or {}
    return ParameterInfo(
        name=parameter["name"],
        type=parameter["parameterType"],
        choices=tuple(space.get("list") or ()),
        min=space.get("min", ""),
        max=space.get("max", ""),
    )


def _trial(trial: Object, objective: Object) -> TrialRecord:
    status = trial.get("status") or {}
    condition, message = _condition(trial)
    start, end = _time(status.get("startTime")), _time(status.get("completionTime"))
    seconds = (end - start).total_seconds() if start and end else 0.0
    return TrialRecord(
        name=trial["metadata"]["name"],
        assignments={
            assignment["name"]: assignment["value"]
            for assignment in trial["spec"].get("parameterAssignments") or ()
        },
        condition=condition or "Created",
        message=message if condition in ("Failed", "Killed", "MetricsUnavailable") else "",
        metrics=_metrics(status.get("observation") or {}, objective),
        start_time=start,
        completion_time=end,
        # Katib keeps the start and the end of a trial and nothing in between.
        phase_seconds={"trial": seconds} if seconds else {},
    )


def _metrics(observation: Object, objective: Object) -> dict[str, float]:
    """The finite numbers of an observation, each by its metric strategy."""
    strategies = {s["name"]: s["value"] for s in objective.get("metricStrategies") or ()}
    default = "max" if objective["type"] == "maximize" else "min"
    values = {}
    for metric in observation.get("metrics") or ():
        strategy = strategies.get(metric["name"], default)
        # Where no row was a number, Katib writes "unavailable" as min and max.
        for text in (metric.get(strategy), metric.get("latest")):
            value = _number(text)
            if value is not None:
                values[metric["name"]] = value
                break
    return values


def _number(text: object) -> float | None:
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _condition(item: Object) -> tuple[str, str]:
    """Type and message of the newest condition that holds; empty texts without one."""
    holding = [c for c in _conditions(item) if c.get("status") == "True"]
    return (holding[-1]["type"], holding[-1].get("message", "")) if holding else ("", "")


def _conditions(item: Object) -> Sequence[Object]:
    return (item.get("status") or {}).get("conditions") or ()


def _in_order(trials: Iterable[Object], suggestion: Object | None) -> list[Object]:
    """Trials in the order in which they were suggested: creation times are whole seconds."""
    suggested = ((suggestion or {}).get("status") or {}).get("suggestions") or ()
    places = {assignment.get("name"): place for place, assignment in enumerate(suggested)}

    def key(trial: Object) -> tuple[str, int, str]:
        name = trial["metadata"]["name"]
        return trial["metadata"].get("creationTimestamp", ""), places.get(name, -1), name

    return sorted(trials, key=key)


def _seconds_by_condition(trials: Iterable[TrialRecord]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for trial in trials:
        if trial.seconds:
            phase = f"{trial.condition} trials"
            seconds[phase] = seconds.get(phase, 0.0) + trial.seconds
    return seconds


def _notes(
    suggestion: Object | None,
    trials: Sequence[TrialRecord],
    *,
    is_finished: bool,
    condition: str,
) -> tuple[str, ...]:
    """What the Experiment's own condition does not tell."""
    failures = [
        c.get("message") or "no reason given"
        for c in _conditions(suggestion or {})
        if c["type"] == "Failed" and c.get("status") == "True"
    ]
    if failures:
        return (f"The suggestion service refused the Experiment: {failures[-1]}",)
    if is_finished or any(trial.condition not in COMPLETED for trial in trials):
        return ()
    if suggestion is None:
        return () if condition else ("Katib has not yet taken the Experiment up.",)
    ready = [c for c in _conditions(suggestion) if c["type"] == "DeploymentReady"]
    if not ready or ready[-1].get("status") != "True":
        return ("The suggestion service is starting: no trial can begin before.",)
    return ("Waiting for the next suggestion.",)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
