"""Translates between Katib's messages and the values of the search; knows every wire field name.

Katib passes numbers as the strings that the user wrote, unchecked, so everything is checked here.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from protos.katib import api_pb2
from suggestion.errors import InvalidExperimentError
from suggestion.parameter import Distribution, Parameter, Range, list_grid, stepped
from suggestion.search_space import SearchSpace
from suggestion.settings import Settings, parse_settings
from suggestion.trial import Direction, Objective, Trial, TrialState, observed_number

_DIRECTIONS = {
    api_pb2.MAXIMIZE: Direction.MAXIMIZE,
    api_pb2.MINIMIZE: Direction.MINIMIZE,
}
_DISTRIBUTIONS = {
    # Unspecified is seen only where Katib's defaulting webhook does not run.
    api_pb2.DISTRIBUTION_UNSPECIFIED: Distribution.UNIFORM,
    api_pb2.UNIFORM: Distribution.UNIFORM,
    api_pb2.LOG_UNIFORM: Distribution.LOG_UNIFORM,
    api_pb2.NORMAL: Distribution.NORMAL,
    api_pb2.LOG_NORMAL: Distribution.LOG_NORMAL,
}
_PENDING = {api_pb2.TrialStatus.CREATED, api_pb2.TrialStatus.RUNNING}
_INFEASIBLE = {api_pb2.TrialStatus.FAILED, api_pb2.TrialStatus.KILLED}
_MEASURED = {api_pb2.TrialStatus.SUCCEEDED, api_pb2.TrialStatus.EARLYSTOPPED}
# Longest exponent that is still a sane bound; Decimal would happily build 10^1000000.
_MAX_MAGNITUDE = Decimal("1e300")


@dataclass(frozen=True)
class ExperimentValues:
    """An Experiment as the search sees it; ``budget`` is maxTrialCount, 0 when unlimited."""

    name: str
    space: SearchSpace
    objective: Objective
    settings: Settings
    budget: int


def experiment_from_proto(experiment: api_pb2.Experiment) -> ExperimentValues:
    """Converts and checks an Experiment.

    Raises:
        InvalidExperimentError: the first flaw found.
    """
    spec = experiment.spec
    texts: dict[str, str] = {}
    for setting in spec.algorithm.algorithm_settings:
        if setting.name in texts:
            raise InvalidExperimentError(
                f"Setting names must be unique, but {setting.name!r} is given twice."
            )
        texts[setting.name] = setting.value
    settings = parse_settings(spec.algorithm.algorithm_name, texts)
    if spec.objective.type not in _DIRECTIONS:
        raise InvalidExperimentError(
            "The objective's type must be maximize or minimize, "
            f"but got {_enum_name(api_pb2.ObjectiveType, spec.objective.type)}."
        )
    if not spec.objective.objective_metric_name:
        raise InvalidExperimentError("objectiveMetricName must be given, but is empty.")
    parameters = spec.parameter_specs.parameters
    if not parameters:
        raise InvalidExperimentError("parameters must hold at least one, but got none.")
    names = [parameter.name for parameter in parameters]
    if "" in names:
        raise InvalidExperimentError("Parameter names must not be empty, but one is.")
    if (twice := _first_repeated(names)) is not None:
        raise InvalidExperimentError(f"Parameter names must be unique, but got {twice!r} twice.")
    return ExperimentValues(
        name=experiment.name,
        space=SearchSpace(tuple(parameter_from_proto(p) for p in parameters)),
        objective=Objective(spec.objective.objective_metric_name, _DIRECTIONS[spec.objective.type]),
        settings=settings,
        budget=max(0, spec.max_trial_count),
    )


def parameter_from_proto(spec: api_pb2.ParameterSpec) -> Parameter:
    """Converts and checks one parameter.

    Raises:
        InvalidExperimentError: a bound, step, list or distribution breaks its rule.
    """
    if spec.parameter_type in (api_pb2.DISCRETE, api_pb2.CATEGORICAL):
        values = tuple(spec.feasible_space.list)
        if not values:
            raise InvalidExperimentError(f"{spec.name}: list must hold a value, but is empty.")
        if (twice := _first_repeated(values)) is not None:
            raise InvalidExperimentError(
                f"{spec.name}: the values of list must be unique, but got {twice!r} twice."
            )
        return list_grid(spec.name, values, spec.parameter_type == api_pb2.CATEGORICAL)
    if spec.parameter_type not in (api_pb2.DOUBLE, api_pb2.INT):
        raise InvalidExperimentError(
            f"{spec.name}: parameterType must be double, int, discrete or categorical, "
            f"but got {_enum_name(api_pb2.ParameterType, spec.parameter_type)}."
        )
    return _numeric(spec, is_int=spec.parameter_type == api_pb2.INT)


def _first_repeated(texts: Sequence[str]) -> str | None:
    counts = Counter(texts)
    return next((text for text in texts if counts[text] > 1), None)


def _numeric(spec: api_pb2.ParameterSpec, is_int: bool) -> Parameter:
    name, feasible = spec.name, spec.feasible_space
    low, high = (_number(name, field, getattr(feasible, field), is_int) for field in ("min", "max"))
    if low > high:
        raise InvalidExperimentError(
            f"{name}: min <= max must hold, but got min={feasible.min}, max={feasible.max}."
        )
    if feasible.distribution not in _DISTRIBUTIONS:
        raise InvalidExperimentError(
            f"{name}: distribution must be uniform, logUniform, normal or logNormal, "
            f"but got {feasible.distribution}."
        )
    distribution = _DISTRIBUTIONS[feasible.distribution]
    if distribution.is_log and low <= 0:
        raise InvalidExperimentError(
            f"{name}: min > 0 must hold with {distribution.value}, but got min={feasible.min}."
        )
    prior = Range(name, float(low), float(high), distribution)
    if not feasible.step and not is_int:
        return prior
    step = _number(name, "step", feasible.step, is_int) if feasible.step else Decimal(1)
    if step <= 0 or (step > high - low and high > low and feasible.step):
        raise InvalidExperimentError(
            f"{name}: 0 < step <= max - min must hold, but got step={feasible.step}, "
            f"min={feasible.min}, max={feasible.max}."
        )
    return stepped(name, low, high, step, prior)


def _number(name: str, field: str, text: str, is_int: bool) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > _MAX_MAGNITUDE:
        raise InvalidExperimentError(f"{name}: {field} must be a finite number, but got {text!r}.")
    if is_int and number != number.to_integral_value():
        raise InvalidExperimentError(f"{name}: {field} must be a whole number, but got {text!r}.")
    return number


def trials_from_proto(trials: Iterable[api_pb2.Trial], objective: Objective) -> list[Trial]:
    """Converts the trials of a request; nothing in them is an error, Katib would only loop."""
    return [_trial(trial, objective) for trial in trials]


def _trial(trial: api_pb2.Trial, objective: Objective) -> Trial:
    pairs = trial.spec.parameter_assignments.assignments
    assignments = {pair.name: pair.value for pair in pairs}
    condition = trial.status.condition
    state, value, problem = TrialState.UNUSABLE, None, ""
    if condition in _PENDING:
        state = TrialState.PENDING
    elif condition in _INFEASIBLE:
        state = TrialState.INFEASIBLE
    elif condition in _MEASURED:
        value, problem = _observed(trial.status.observation, objective.metric_name)
        state = TrialState.UNUSABLE if value is None else TrialState.MEASURED
    else:
        name = _enum_name(api_pb2.TrialStatus.TrialConditionType, condition)
        problem = f"its condition must say how it ended, but is {name}"
    return Trial(
        name=trial.name,
        assignments=assignments,
        state=state,
        value=value,
        completion_time=trial.status.completion_time,
        problem=problem,
    )


def _observed(observation: api_pb2.Observation, metric_name: str) -> tuple[float | None, str]:
    """The value of a metric; or None, and why there is none."""
    for metric in observation.metrics:
        if metric.name == metric_name:
            value = observed_number(metric.value)
            problem = f"{metric_name} must be a finite number, but is {metric.value!r}"
            return value, "" if value is not None else problem
    return None, f"its observation must have the metric {metric_name}, but has none of that name"


def reply_to_proto(
    assignments: Sequence[dict[str, str]], algorithm: api_pb2.AlgorithmSpec
) -> api_pb2.GetSuggestionsReply:
    """Builds the reply: one set of assignments a suggestion, parameters in the Experiment's order.

    No algorithm settings are handed back, since the service keeps no state in them; only the name.
    """
    reply = api_pb2.GetSuggestionsReply(
        algorithm=api_pb2.AlgorithmSpec(algorithm_name=algorithm.algorithm_name)
    )
    for assignment in assignments:
        pairs = [api_pb2.ParameterAssignment(name=n, value=v) for n, v in assignment.items()]
        reply.parameter_assignments.add(assignments=pairs)
    return reply


def _enum_name(enum: object, number: int) -> str:
    try:
        return str(enum.Name(number))  # type: ignore[attr-defined]
    except ValueError:
        return str(number)
