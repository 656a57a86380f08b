"""The maml surrogate on the points of a search space."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggestion.cards import cards_of, memory_share
from suggestion.covariance import Kernel
from suggestion.evidence import MAX_TRIALS, Evidence
from suggestion.knob_features import encode
from suggestion.knob_values import Column, columns_of
from suggestion.knobs import BATCH_SIZE, CPU_CORES, GPU_TIME
from suggestion.maml import MamlSurrogate
from suggestion.posterior import Posterior, Shrinking
from suggestion.search_space import Point, SearchSpace
from suggestion.serving_simulator import Configurations
from suggestion.surrogate import Surrogate

Array = NDArray[np.float64]

# What a service is taken to have where no knob says: usual values of an inference service.
_CORES, _BATCH = 4.0, 8.0
# How far around a point under measurement its outcome will tell, of the range of a knob.
_LENGTH_SCALE = 0.3


@dataclass(frozen=True)
class MamlSearch:
    """Implements ``Surrogate`` with the paper's meta-learned network.

    Attributes:
        space: What is searched.
        knobs: Knob to parameter name.
        network: Gives the network; the first call may take seconds.
        feasibility: Tells where the service runs, and what to begin with when nothing runs yet: the
            network knows neither.
    """

    space: SearchSpace
    knobs: Mapping[str, str]
    network: Callable[[], MamlSurrogate]
    feasibility: Surrogate

    def predict(self, evidence: Evidence, candidates: Sequence[Point]) -> Posterior:
        """See ``Surrogate.predict``. The values are rates: those below 0 count as next to none."""
        evidence = evidence.thinned(MAX_TRIALS)
        highest = max(float(evidence.values.max()), 1e-300)
        values = np.maximum(evidence.values, 1e-12 * highest)
        found = self.network().predict(
            self._features(evidence.measured), values, self._features(candidates)
        )
        at = self.space.encode(candidates)
        num_members = len(found.after)
        num_parameters = len(self.space.parameters)
        scales = np.full(num_parameters, _LENGTH_SCALE * num_parameters**0.5)
        correlation = Kernel(self.space.groups, scales**-2.0, 1.0, 0.0)
        return Posterior(
            means=found.after,
            weights=np.full(num_members, 1 / num_members),
            spreads=tuple(Shrinking(correlation, at, sigma**2) for sigma in found.sigma),
            spread_of=np.arange(num_members),
            runs=np.ones(found.after.shape, dtype=np.bool_),
            feasible=self.feasibility.predict(evidence, candidates).feasible,
            best=found.measured.max(axis=1),
            confidence=found.confidence,
        )

    def promise(self, evidence: Evidence, candidates: Sequence[Point]) -> Array | None:
        """See ``Surrogate.promise``."""
        return self.feasibility.promise(evidence, candidates)

    def _features(self, points: Sequence[Point]) -> Array:
        columns = columns_of(self.space, self.knobs, points)
        cards = cards_of(columns, len(points))
        return encode(
            Configurations(
                _numbers(columns, CPU_CORES, _CORES, len(points)),
                _numbers(columns, BATCH_SIZE, _BATCH, len(points)),
                memory_share(columns, cards),
                _numbers(columns, GPU_TIME, 1.0, len(points)),
                cards.at_points,
            )
        )


def _numbers(columns: Mapping[str, Column], knob: str, default: float, count: int) -> Array:
    return columns[knob].numbers if knob in columns else np.full(count, default)
