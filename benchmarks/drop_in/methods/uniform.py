"""Random search."""

from collections.abc import Sequence

import numpy as np

from benchmarks.drop_in.problem import Assignments, Instance
from benchmarks.drop_in.search import Finished


class UniformSearch:
    """Draws every parameter uniformly."""

    def __init__(self, instance: Instance, seed: int) -> None:
        self._instance = instance
        self._rng = np.random.default_rng((seed, instance.number))

    def propose(self, trials: Sequence[Finished], count: int) -> list[Assignments]:  # noqa: ARG002
        """See ``Search.propose``."""
        return [self._instance.random(self._rng) for _ in range(count)]


class Uniform:
    """Starts random searches."""

    def start(self, instance: Instance, seed: int, budget: int) -> UniformSearch:  # noqa: ARG002
        """See ``Method.start``."""
        return UniformSearch(instance, seed)
