"""Builds Katib messages for tests."""

from collections.abc import Mapping, Sequence

from protos.katib import api_pb2


def parameter(
    name: str,
    kind: str,
    *,
    low: str = "",
    high: str = "",
    step: str = "",
    values: Sequence[str] = (),
    distribution: str = "UNIFORM",
) -> api_pb2.ParameterSpec:
    return api_pb2.ParameterSpec(
        name=name,
        parameter_type=api_pb2.ParameterType.Value(kind),
        feasible_space=api_pb2.FeasibleSpace(
            min=low,
            max=high,
            step=step,
            list=values,
            distribution=api_pb2.Distribution.Value(distribution),
        ),
    )


def experiment(
    *parameters: api_pb2.ParameterSpec,
    settings: Mapping[str, str] | None = None,
    objective: str = "MAXIMIZE",
    algorithm: str = "morphling",
    max_trials: int = 0,
    name: str = "e",
) -> api_pb2.Experiment:
    built = api_pb2.Experiment(name=name)
    built.spec.objective.type = api_pb2.ObjectiveType.Value(objective)
    built.spec.objective.objective_metric_name = "rps"
    built.spec.algorithm.algorithm_name = algorithm
    for key, value in (settings or {}).items():
        built.spec.algorithm.algorithm_settings.add(name=key, value=value)
    built.spec.parameter_specs.parameters.extend(parameters)
    built.spec.max_trial_count = max_trials
    return built


def trial(
    assignments: Mapping[str, str],
    value: str | None = None,
    condition: str = "SUCCEEDED",
    name: str = "t",
    metric: str = "rps",
) -> api_pb2.Trial:
    built = api_pb2.Trial(name=name)
    for key, text in assignments.items():
        built.spec.parameter_assignments.assignments.add(name=key, value=text)
    built.status.condition = api_pb2.TrialStatus.TrialConditionType.Value(condition)
    if value is not None:
        built.status.observation.metrics.add(name=metric, value=value)
    return built


MIXED = (
    parameter("cpu", "INT", low="1", high="4"),
    parameter("share", "DOUBLE", low="0.1", high="0.9", step="0.1"),
    parameter("batch", "DISCRETE", values=["1", "2", "4", "8"]),
    parameter("gpu", "CATEGORICAL", values=["T4", "V100"]),
)
