"""Katib's ``bayesianoptimization``: scikit-optimize, used as Katib's suggestion service uses it.

As pkg/suggestion/v1beta1/skopt/base_service.py of kubeflow/katib does: ``int`` is an Integer
dimension, ``discrete`` and ``categorical`` are Categorical ones of texts. A ``double`` is uniform:
that is what Katib does since its pull request 2689; before, it was logarithmic, which these ranges
with values below 0 do not allow.
"""

import warnings
from collections.abc import Sequence

import skopt

from benchmarks.drop_in.problem import Assignments, Instance
from benchmarks.drop_in.search import Finished
from protos.katib import api_pb2


class KatibSkoptSearch:
    """The state that Katib's service keeps from request to request."""

    def __init__(self, instance: Instance, seed: int) -> None:
        self._specs = instance.parameter_specs()
        self._optimizer = skopt.Optimizer(
            [_dimension(spec) for spec in self._specs],
            base_estimator="GP",
            n_initial_points=10,
            acq_func="gp_hedge",
            acq_optimizer="auto",
            random_state=seed,
        )
        self._num_told = 0

    def propose(self, trials: Sequence[Finished], count: int) -> list[Assignments]:
        """See ``Search.propose``."""
        new = trials[self._num_told :]
        self._num_told = len(trials)
        with warnings.catch_warnings():
            # It warns of every point that it proposes twice.
            warnings.simplefilter("ignore")
            if new:
                self._optimizer.tell(
                    [self._point(trial) for trial in new], [trial.value for trial in new]
                )
            points = self._optimizer.ask(n_points=count)
        names = [spec.name for spec in self._specs]
        return [dict(zip(names, map(str, point), strict=True)) for point in points]

    def _point(self, trial: Finished) -> list[int | float | str]:
        return [_value(spec, trial.assignments[spec.name]) for spec in self._specs]


def _dimension(spec: api_pb2.ParameterSpec) -> skopt.space.Dimension:
    space = spec.feasible_space
    if spec.parameter_type == api_pb2.DOUBLE:
        return skopt.space.Real(float(space.min), float(space.max), "uniform", name=spec.name)
    if spec.parameter_type == api_pb2.INT:
        return skopt.space.Integer(int(space.min), int(space.max), "uniform", name=spec.name)
    return skopt.space.Categorical(list(space.list), name=spec.name)


def _value(spec: api_pb2.ParameterSpec, text: str) -> int | float | str:
    if spec.parameter_type == api_pb2.DOUBLE:
        return float(text)
    return int(text) if spec.parameter_type == api_pb2.INT else text


class KatibSkopt:
    """Starts scikit-optimize as a fresh suggestion service of Katib would."""

    def start(self, instance: Instance, seed: int, budget: int) -> KatibSkoptSearch:  # noqa: ARG002
        """See ``Method.start``."""
        return KatibSkoptSearch(instance, seed)
