"""The network with values for targets instead of their logarithms.

The network learns ``log(v / b + F)``, where v is a value, b the best of the samples and F a floor
(``suggestion.maml.targets``). Here it learns ``v / b``, shifted by a constant so that both agree at
the best sample.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from meta_training.service_grids import ServiceGrid
from meta_training.tasks import MetaBatch, draw_batch
from suggestion.maml import FLOOR, MamlPrediction, MamlSurrogate

Array = NDArray[np.float64]
Array32 = NDArray[np.float32]

_AT_BEST = np.log(1 + FLOOR)


def linear_targets(log_targets: Array32) -> Array32:
    """``v / b`` plus a constant, from ``log(v / b + F)``; shape as given."""
    share = np.exp(log_targets) - FLOOR
    return np.asarray(share - 1 + _AT_BEST, dtype=np.float32)


def draw_linear_batch(
    grids: Sequence[ServiceGrid], rng: np.random.Generator, num_members: int, num_tasks: int
) -> MetaBatch:
    """The tasks of ``meta_training``, with linear targets."""
    batch = draw_batch(grids, rng, num_members, num_tasks)
    return replace(
        batch,
        support_y=linear_targets(batch.support_y) * batch.support_mask,
        query_y=linear_targets(batch.query_y),
    )


def delinearised(values: Array) -> Array:
    """Stand-ins for values: their logarithmic targets are the values' linear ones; shape ``[n]``.

    Args:
        values: Above 0; the largest stands for itself.
    """
    best = values.max()
    return np.asarray(best * ((1 + FLOOR) * np.exp(values / best - 1) - FLOOR))


class LinearMamlSurrogate(MamlSurrogate):
    """A network that was trained on linear targets."""

    def predict(
        self, x: Array, values: Array, candidates: Array, pending: Array | None = None
    ) -> MamlPrediction:
        """See ``MamlSurrogate.predict``; predictions are linear targets plus a constant."""
        return super().predict(x, delinearised(values), candidates, pending)
