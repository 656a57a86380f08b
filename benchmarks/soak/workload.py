"""Requests of all kinds: of many Experiments, with few and many trials, valid and not."""

import random
from collections.abc import Callable, Mapping

from protos.katib import api_pb2

Request = api_pb2.GetSuggestionsRequest | api_pb2.ValidateAlgorithmSettingsRequest
# Spaces that differ in one bound are different Experiments: nothing may be kept of each. Each has
# its time, in which all clients ask about it.
_NUM_SPACES, _REQUESTS_OF_A_SPACE = 200, 50
_METRIC = "rps"
_KIBI = 1024


def request(number: int) -> Request:
    """The request of a number: always the same.

    Most have tens of trials. One in 100 has 1,000, one in 500 is as large as Katib's client sends
    (4 MB), one in ten is a validation, and one in twenty is invalid.
    """
    rng = random.Random(number)
    space = number // _REQUESTS_OF_A_SPACE % _NUM_SPACES
    experiment = _experiment(space, is_valid=number % 20 != 7)
    if number % 10 == 3:
        return api_pb2.ValidateAlgorithmSettingsRequest(experiment=experiment)
    asked = api_pb2.GetSuggestionsRequest(
        experiment=experiment, current_request_number=rng.randint(1, 5)
    )
    num_trials = 1000 if number % 100 == 11 else rng.randint(0, 40)
    _add_trials(asked, num_trials, rng)
    if number % 500 == 100:
        _pad(asked, 4 * _KIBI * _KIBI)
    return asked


def crowded(seed: int, num_trials: int = 1000) -> api_pb2.GetSuggestionsRequest:
    """Five suggestions after many trials, on the space of a number."""
    asked = api_pb2.GetSuggestionsRequest(
        experiment=_experiment(seed, is_valid=True), current_request_number=5
    )
    _add_trials(asked, num_trials, random.Random(seed))
    return asked


def _experiment(space: int, *, is_valid: bool) -> api_pb2.Experiment:
    experiment = api_pb2.Experiment(name=f"soak-{space}")
    spec = experiment.spec
    spec.max_trial_count, spec.parallel_trial_count = 2000, 5
    spec.objective.type = api_pb2.MAXIMIZE
    spec.objective.objective_metric_name = _METRIC
    spec.algorithm.algorithm_name = "morphling" if is_valid else "unknown"
    makers: list[Callable[[api_pb2.ExperimentSpec, int], None]] = [_serving, _continuous, _mixed]
    makers[space % 3](spec, space)
    return experiment


def _serving(spec: api_pb2.ExperimentSpec, space: int) -> None:
    _numeric(spec, "cpu_cores", api_pb2.INT, 1, 4 + space % 7)
    _listed(spec, "gpu_memory_percent", api_pb2.DISCRETE, ["5", "10", "20", "40"])
    _listed(spec, "batch_size", api_pb2.DISCRETE, [str(2**n) for n in range(5 + space % 3)])
    _listed(spec, "gpu_type", api_pb2.CATEGORICAL, ["T4", "V100"])


def _continuous(spec: api_pb2.ExperimentSpec, space: int) -> None:
    for number in range(2 + space % 8):
        _numeric(spec, f"x{number}", api_pb2.DOUBLE, 0, 1 + space)


def _mixed(spec: api_pb2.ExperimentSpec, space: int) -> None:
    _numeric(spec, "rate", api_pb2.DOUBLE, 0, 1 + space)
    _numeric(spec, "depth", api_pb2.INT, 1, 5 + space)
    _listed(spec, "kind", api_pb2.CATEGORICAL, ["a", "b", "c"])


def _numeric(
    spec: api_pb2.ExperimentSpec,
    name: str,
    kind: api_pb2.ParameterType,
    low: int,
    high: int,
) -> None:
    parameter = spec.parameter_specs.parameters.add(name=name, parameter_type=kind)
    parameter.feasible_space.min, parameter.feasible_space.max = str(low), str(high)


def _listed(
    spec: api_pb2.ExperimentSpec,
    name: str,
    kind: api_pb2.ParameterType,
    values: list[str],
) -> None:
    spec.parameter_specs.parameters.add(name=name, parameter_type=kind).feasible_space.list.extend(
        values
    )


def _add_trials(asked: api_pb2.GetSuggestionsRequest, count: int, rng: random.Random) -> None:
    parameters = asked.experiment.spec.parameter_specs.parameters
    for number in range(count):
        trial = asked.trials.add(name=f"{asked.experiment.name}-{number:04d}")
        texts = {parameter.name: _value(parameter, rng) for parameter in parameters}
        for name, text in texts.items():
            trial.spec.parameter_assignments.assignments.add(name=name, value=text)
        condition = rng.choices(
            (api_pb2.TrialStatus.SUCCEEDED, api_pb2.TrialStatus.FAILED,
             api_pb2.TrialStatus.RUNNING), (0.85, 0.1, 0.05),
        )[0]  # fmt: skip
        trial.status.condition = condition
        if condition == api_pb2.TrialStatus.SUCCEEDED:
            trial.status.observation.metrics.add(name=_METRIC, value=repr(_objective(texts, rng)))


def _value(parameter: api_pb2.ParameterSpec, rng: random.Random) -> str:
    space = parameter.feasible_space
    if space.list:
        return rng.choice(space.list)
    if parameter.parameter_type == api_pb2.INT:
        return str(rng.randint(int(space.min), int(space.max)))
    return repr(rng.uniform(float(space.min), float(space.max)))


def _objective(texts: Mapping[str, str], rng: random.Random) -> float:
    """Some rate that depends on the configuration, with a few per cent of noise."""
    total = sum(len(text) if not text[0].isdigit() else float(text) for text in texts.values())
    return 100 / (1 + total / 10) * rng.gauss(1, 0.03)


def _pad(asked: api_pb2.GetSuggestionsRequest, size: int) -> None:
    """Adds trials of a namesake from elsewhere until the message has a size in bytes."""
    long_text = "x" * 1000
    while asked.ByteSize() < size - 2000:
        for _ in range(max(1, (size - asked.ByteSize()) // 2200)):
            trial = asked.trials.add(name=long_text)
            trial.spec.parameter_assignments.assignments.add(name="other", value=long_text)
