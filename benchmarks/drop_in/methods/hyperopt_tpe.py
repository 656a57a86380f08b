"""Hyperopt's TPE, Katib's ``tpe``; lists of numbers keep their order."""

from collections.abc import Sequence
from typing import Any

import hyperopt
import numpy as np

from benchmarks.drop_in.problem import Assignments, Instance
from benchmarks.drop_in.search import Finished
from protos.katib import api_pb2


class HyperoptTpeSearch:
    """Hyperopt's trials, filled by hand as Katib's service does."""

    def __init__(self, instance: Instance, seed: int) -> None:
        self._specs = instance.parameter_specs()
        self._domain = hyperopt.Domain(
            lambda _: 0.0, {spec.name: _axis(spec) for spec in self._specs}
        )
        self._trials = hyperopt.Trials()
        self._rng = np.random.default_rng(seed)
        self._open: list[dict[str, Any]] = []

    def propose(self, trials: Sequence[Finished], count: int) -> list[Assignments]:
        """See ``Search.propose``."""
        for document, trial in zip(
            self._open, trials[len(trials) - len(self._open) :], strict=True
        ):
            document["state"] = hyperopt.JOB_STATE_DONE
            document["result"] = {"loss": trial.value, "status": hyperopt.STATUS_OK}
            self._trials.insert_trial_doc(document)
        self._trials.refresh()
        self._open = [self._asked() for _ in range(count)]
        return [
            {spec.name: _text(spec, document["misc"]["vals"][spec.name][0]) for spec in self._specs}
            for document in self._open
        ]

    def _asked(self) -> dict[str, Any]:
        """One document: asked for several at once, TPE gives one all the same."""
        seed = int(self._rng.integers(2**31 - 1))
        (document,) = hyperopt.tpe.suggest(
            self._trials.new_trial_ids(1), self._domain, self._trials, seed
        )
        return dict(document)


def _axis(spec: api_pb2.ParameterSpec) -> Any:
    space = spec.feasible_space
    if spec.parameter_type == api_pb2.DOUBLE:
        return hyperopt.hp.uniform(spec.name, float(space.min), float(space.max))
    if spec.parameter_type == api_pb2.INT:
        return hyperopt.hp.quniform(spec.name, int(space.min), int(space.max), 1)
    if spec.parameter_type == api_pb2.DISCRETE:
        return hyperopt.hp.quniform(spec.name, 0, len(space.list) - 1, 1)
    return hyperopt.hp.choice(spec.name, list(space.list))


def _text(spec: api_pb2.ParameterSpec, value: float) -> str:
    if spec.parameter_type == api_pb2.DOUBLE:
        return repr(float(value))
    if spec.parameter_type == api_pb2.INT:
        return str(round(value))
    return str(spec.feasible_space.list[round(value)])


class HyperoptTpe:
    """Starts hyperopt searches."""

    def start(self, instance: Instance, seed: int, budget: int) -> HyperoptTpeSearch:  # noqa: ARG002
        """See ``Method.start``."""
        return HyperoptTpeSearch(instance, seed)
