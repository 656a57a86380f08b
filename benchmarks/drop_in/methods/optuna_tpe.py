"""Optuna's multivariate TPE, Katib's ``multivariate-tpe``; lists of numbers keep their order."""

from collections.abc import Sequence

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from benchmarks.drop_in.problem import Assignments, Instance
from benchmarks.drop_in.search import Finished
from protos.katib import api_pb2


class OptunaTpeSearch:
    """A study; what it proposed is told in the order of the proposals."""

    def __init__(self, instance: Instance, seed: int, parallel_liar: bool) -> None:
        self._specs = instance.parameter_specs()
        self._axes = {spec.name: _axis(spec) for spec in self._specs}
        sampler = optuna.samplers.TPESampler(
            multivariate=True, seed=seed, constant_liar=parallel_liar
        )
        self._study = optuna.create_study(direction="minimize", sampler=sampler)
        self._open: list[optuna.trial.Trial] = []

    def propose(self, trials: Sequence[Finished], count: int) -> list[Assignments]:
        """See ``Search.propose``."""
        if self._open:
            for asked, trial in zip(self._open, trials[-len(self._open) :], strict=True):
                self._study.tell(asked, trial.value)
        self._open = [self._study.ask(self._axes) for _ in range(count)]
        return [
            {spec.name: _text(spec, asked.params[spec.name]) for spec in self._specs}
            for asked in self._open
        ]


def _is_list_of_numbers(spec: api_pb2.ParameterSpec) -> bool:
    return bool(spec.parameter_type == api_pb2.DISCRETE)


def _axis(spec: api_pb2.ParameterSpec) -> BaseDistribution:
    space = spec.feasible_space
    if spec.parameter_type == api_pb2.DOUBLE:
        return FloatDistribution(float(space.min), float(space.max))
    if spec.parameter_type == api_pb2.INT:
        return IntDistribution(int(space.min), int(space.max))
    if _is_list_of_numbers(spec):
        return IntDistribution(0, len(space.list) - 1)
    return CategoricalDistribution(list(space.list))


def _text(spec: api_pb2.ParameterSpec, value: float | str) -> str:
    if _is_list_of_numbers(spec):
        return str(spec.feasible_space.list[int(value)])
    return str(value)


class OptunaTpe:
    """Starts TPE studies."""

    def __init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)

    def start(self, instance: Instance, seed: int, budget: int) -> OptunaTpeSearch:  # noqa: ARG002
        """See ``Method.start``."""
        return OptunaTpeSearch(instance, seed, parallel_liar=True)
