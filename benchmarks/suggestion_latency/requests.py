"""The requests that are timed: an Experiment and its finished trials."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.search_cost.worlds import OPEN_SOURCE
from protos.katib import api_pb2

NUM_TRIALS = 100


@dataclass(frozen=True)
class Space:
    """Parameters of an Experiment; ``kinds`` holds Katib's type of each in lower case."""

    parameters: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, str]

    @property
    def size(self) -> int:
        """Number of configurations."""
        return int(np.prod([len(texts) for texts in self.parameters.values()]))


_KINDS = {
    "cpu_cores": "int",
    "gpu_memory_percent": "discrete",
    "gpu_time_percent": "discrete",
    "batch_size": "discrete",
    "gpu_type": "categorical",
}
# The paper's space of 720 configurations, and one of 120,000.
SMALL = Space(OPEN_SOURCE, _KINDS)
LARGE = Space(
    {
        "cpu_cores": tuple(str(n) for n in range(1, 21)),
        "gpu_memory_percent": tuple(str(5 * n) for n in range(1, 21)),
        "gpu_time_percent": tuple(str(10 * n) for n in range(1, 11)),
        "batch_size": tuple(str(2**n) for n in range(10)),
        "gpu_type": ("T4", "V100", "M60"),
    },
    _KINDS,
)


def request(space: Space, settings: Mapping[str, str], seed: int) -> api_pb2.GetSuggestionsRequest:
    """Asks for one suggestion after 100 different trials, drawn at random.

    Their objective is a bump somewhere in the space with 5 % noise; one in ten trials failed.
    """
    rng = np.random.default_rng(seed)
    asked = api_pb2.GetSuggestionsRequest(
        current_request_number=1, total_request_number=NUM_TRIALS + 1
    )
    _fill_experiment(asked.experiment, space, settings)
    shape = [len(texts) for texts in space.parameters.values()]
    drawn = rng.choice(space.size, NUM_TRIALS, replace=False)
    positions = np.stack(np.unravel_index(drawn, shape), axis=1)
    places = positions / np.maximum(1, np.array(shape) - 1)
    distances = ((places - rng.random(len(shape))) ** 2).sum(axis=1)
    values = 1000 * np.exp(-2 * distances) * (1 + 0.05 * rng.standard_normal(NUM_TRIALS))
    for number, row in enumerate(positions):
        trial = asked.trials.add(name=f"trial-{number:03d}")
        for (name, texts), position in zip(space.parameters.items(), row, strict=True):
            trial.spec.parameter_assignments.assignments.add(name=name, value=texts[position])
        if number % 10 == 9:
            trial.status.condition = api_pb2.TrialStatus.FAILED
        else:
            trial.status.condition = api_pb2.TrialStatus.SUCCEEDED
            trial.status.observation.metrics.add(
                name="objective", value=repr(values[number].item())
            )
    return asked


def _fill_experiment(
    experiment: api_pb2.Experiment, space: Space, settings: Mapping[str, str]
) -> None:
    experiment.name = f"latency-{space.size}"
    spec = experiment.spec
    spec.max_trial_count = 2 * NUM_TRIALS
    spec.objective.type = api_pb2.MAXIMIZE
    spec.objective.objective_metric_name = "objective"
    spec.algorithm.algorithm_name = "morphling"
    for name, text in settings.items():
        spec.algorithm.algorithm_settings.add(name=name, value=text)
    for name, texts in space.parameters.items():
        kind = space.kinds[name]
        parameter = spec.parameter_specs.parameters.add(
            name=name, parameter_type=api_pb2.ParameterType.Value(kind.upper())
        )
        if kind == "int":
            parameter.feasible_space.min, parameter.feasible_space.max = texts[0], texts[-1]
        else:
            parameter.feasible_space.list.extend(texts)
