"""Katib's ``bayesianoptimization``: scikit-optimize, used as Katib's suggestion service uses it.

What kubeflow/katib does in pkg/suggestion/v1beta1/skopt/base_service.py and service.py, with the
defaults of its settings: a parameter of type ``int`` is an Integer dimension, ``discrete`` and
``categorical`` ones are Categorical dimensions of texts, without an order. Only succeeded trials
are told, negated when the objective is maximised, and only when there are more of them than before;
a failed trial teaches nothing. Every request asks for as many points as Katib wants, here one,
which makes scikit-optimize work on a copy of itself and remember the answer: after a failed trial
it proposes the same point again, and Katib would run it again, which counts as a sample.
"""

import warnings
from collections.abc import Mapping, Sequence

import skopt

from benchmarks.search_cost.case import Case
from benchmarks.search_cost.method import Sample, Setup


class KatibSkoptSearch:
    """The state that Katib's service keeps from request to request."""

    def __init__(self, case: Case, seed: int) -> None:
        self._case = case
        self._is_integer = [kind == "int" for kind in case.kinds.values()]
        self._optimizer = make_optimizer(case.parameters, case.kinds, seed)
        self._num_told = 0

    def propose(self, samples: Sequence[Sample]) -> int:
        succeeded = [sample for sample in samples if sample.value is not None]
        with warnings.catch_warnings():
            # It warns of every point that it proposes twice.
            warnings.simplefilter("ignore")
            if len(succeeded) > self._num_told:
                new = succeeded[self._num_told :]
                self._num_told = len(succeeded)
                self._optimizer.tell(
                    [self._point(sample.index) for sample in new],
                    [-sample.value for sample in new if sample.value is not None],
                )
            point = self._optimizer.ask(n_points=1)[0]
        return self._case.index[tuple(str(value) for value in point)]

    def _point(self, index: int) -> list[int | str]:
        texts = self._case.assignments[index].values()
        pairs = zip(texts, self._is_integer, strict=True)
        return [int(text) if is_integer else text for text, is_integer in pairs]


class KatibSkopt:
    """Starts scikit-optimize as a fresh suggestion service of Katib would."""

    name = "skopt"

    def start(self, case: Case, training: Sequence[Case], setup: Setup) -> KatibSkoptSearch:  # noqa: ARG002
        return KatibSkoptSearch(case, setup.seed)


def make_optimizer(
    parameters: Mapping[str, Sequence[str]], kinds: Mapping[str, str], seed: int
) -> skopt.Optimizer:
    """The optimizer that Katib's service makes of an Experiment without settings.

    Args:
        parameters: Parameter name to its values; of an ``int`` only the ends matter.
        kinds: Parameter name to Katib's type in lower case.
        seed: Katib's ``random_state``.
    """
    dimensions = [
        skopt.space.Integer(int(texts[0]), int(texts[-1]), "uniform", name=name)
        if kinds[name] == "int"
        else skopt.space.Categorical(list(texts), name=name)
        for name, texts in parameters.items()
    ]
    return skopt.Optimizer(
        dimensions,
        base_estimator="GP",
        n_initial_points=10,
        acq_func="gp_hedge",
        acq_optimizer="auto",
        random_state=seed,
    )
