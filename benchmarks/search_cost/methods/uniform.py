"""Random search without repetition."""

from collections.abc import Sequence

import numpy as np

from benchmarks.search_cost.case import Case
from benchmarks.search_cost.method import Sample, Setup, unsampled


class UniformSearch:
    """Draws among the configurations that have not been sampled."""

    def __init__(self, case: Case, seed: int) -> None:
        self._case = case
        self._rng = np.random.default_rng(seed)

    def propose(self, samples: Sequence[Sample]) -> int:
        return int(self._rng.choice(unsampled(self._case, samples)))


class Uniform:
    """Random search."""

    name = "random"

    def start(self, case: Case, training: Sequence[Case], setup: Setup) -> UniformSearch:  # noqa: ARG002
        return UniformSearch(case, setup.seed)
