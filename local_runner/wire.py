"""Builds the requests that Katib's suggestion controller sends.

Source: pkg/controller.v1beta1/suggestion/suggestionclient/suggestionclient.go:84-557 in Katib.
"""

from collections.abc import Sequence

from local_runner.experiment import Experiment, Parameter
from local_runner.state import TrialState
from protos.katib import api_pb2

ZERO_TIME = "0001-01-01T00:00:00Z"

PARAMETER_TYPES = {
    "double": api_pb2.DOUBLE,
    "int": api_pb2.INT,
    "discrete": api_pb2.DISCRETE,
    "categorical": api_pb2.CATEGORICAL,
}
DISTRIBUTIONS = {
    "uniform": api_pb2.UNIFORM,
    "logUniform": api_pb2.LOG_UNIFORM,
    "normal": api_pb2.NORMAL,
    "logNormal": api_pb2.LOG_NORMAL,
}
OBJECTIVE_TYPES = {"maximize": api_pb2.MAXIMIZE, "minimize": api_pb2.MINIMIZE}
CONDITIONS = {
    "Created": api_pb2.TrialStatus.CREATED,
    "Running": api_pb2.TrialStatus.RUNNING,
    "Succeeded": api_pb2.TrialStatus.SUCCEEDED,
    "Failed": api_pb2.TrialStatus.FAILED,
}


def experiment_to_proto(experiment: Experiment) -> api_pb2.Experiment:
    """Converts an Experiment; counts that are not set become 0."""
    spec = experiment.spec
    proto = api_pb2.Experiment(name=experiment.name)
    proto.spec.objective.CopyFrom(_objective(experiment))
    proto.spec.algorithm.algorithm_name = spec.algorithm.algorithm_name
    for setting in spec.algorithm.algorithm_settings:
        proto.spec.algorithm.algorithm_settings.add(name=setting.name, value=setting.value)
    for parameter in spec.parameters:
        proto.spec.parameter_specs.parameters.append(_parameter(parameter))
    proto.spec.parallel_trial_count = spec.parallel_trial_count
    proto.spec.max_trial_count = spec.max_trial_count or 0
    return proto


def _objective(experiment: Experiment) -> api_pb2.ObjectiveSpec:
    objective = experiment.spec.objective
    return api_pb2.ObjectiveSpec(
        type=OBJECTIVE_TYPES[objective.type],
        goal=objective.goal or 0.0,
        objective_metric_name=objective.objective_metric_name,
        additional_metric_names=objective.additional_metric_names,
    )


def _parameter(parameter: Parameter) -> api_pb2.ParameterSpec:
    space = parameter.feasible_space
    return api_pb2.ParameterSpec(
        name=parameter.name,
        parameter_type=PARAMETER_TYPES[parameter.parameter_type],
        feasible_space=api_pb2.FeasibleSpace(
            min=space.min,
            max=space.max,
            step=space.step,
            list=space.list,
            distribution=DISTRIBUTIONS[space.distribution],
        ),
    )


def trials_to_proto(experiment: Experiment, trials: Sequence[TrialState]) -> list[api_pb2.Trial]:
    """Converts trials; those without usable metrics are left out, as Katib does."""
    return [_trial(experiment, t) for t in trials if t.condition != "MetricsUnavailable"]


def _trial(experiment: Experiment, trial: TrialState) -> api_pb2.Trial:
    proto = api_pb2.Trial(name=trial.name)
    proto.spec.objective.CopyFrom(_objective(experiment))
    for name, value in trial.assignments.items():
        proto.spec.parameter_assignments.assignments.add(name=name, value=value)
    proto.status.condition = CONDITIONS[trial.condition]
    proto.status.start_time = trial.start_time or ZERO_TIME
    proto.status.completion_time = trial.completion_time or ZERO_TIME
    objective = experiment.spec.objective
    for name, values in trial.metrics.items():
        value = values[objective.strategy(name)]
        proto.status.observation.metrics.add(name=name, value=value)
    return proto


def suggestions_request(
    experiment: Experiment, trials: Sequence[TrialState], count: int
) -> api_pb2.GetSuggestionsRequest:
    """Builds a request for ``count`` new assignments.

    Every trial was a suggestion once, so the total is the number of trials and the new ones.
    """
    return api_pb2.GetSuggestionsRequest(
        experiment=experiment_to_proto(experiment),
        trials=trials_to_proto(experiment, trials),
        current_request_number=count,
        total_request_number=len(trials) + count,
    )


def assignments_from_reply(reply: api_pb2.GetSuggestionsReply) -> list[dict[str, str]]:
    """Parameter name to value, one mapping a suggestion."""
    return [
        {pair.name: pair.value for pair in entry.assignments}
        for entry in reply.parameter_assignments
    ]
