"""Probability that a configuration runs at all, from the outcomes of trials so far."""

import numpy as np
from numpy.typing import NDArray

from suggestion.gaussian_process import Kernel

Array = NDArray[np.float64]

# Kriging of 0/1 outcomes. Most configurations are expected to run; with the deviation and nugget
# below a failure halves the hope of its direct neighbours and leaves far ones alone.
_PRIOR = 0.9
_DEVIATION = 0.35
_NUGGET = 0.05
_LENGTH_SCALE = 0.4
_LOWEST = 0.005


def feasible_probability(
    x: Array, is_feasible: NDArray[np.bool_], candidates: Array, groups: NDArray[np.int64]
) -> Array:
    """Predicts feasibility at the candidates.

    Args:
        x: Points with a known outcome, shape ``[n, d]``.
        is_feasible: Their outcomes, shape ``[n]``.
        candidates: Shape ``[m, d]``.
        groups: Parameter of each column, shape ``[d]``.

    Returns:
        Probabilities in [0.005, 1], shape ``[m]``; all 1 as long as nothing has failed.
    """
    if is_feasible.all():
        return np.ones(len(candidates))
    num_parameters = int(groups.max()) + 1
    length_scale = _LENGTH_SCALE * np.sqrt(num_parameters)
    kernel = Kernel(
        groups=groups,
        inverse_squares=np.full(num_parameters, length_scale**-2.0),
        amplitude=_DEVIATION**2,
        noise=_NUGGET**2,
    )
    covariance = kernel.between(x, x) + kernel.noise * np.eye(len(x))
    weights = np.linalg.solve(covariance, is_feasible - _PRIOR)
    return np.clip(_PRIOR + kernel.between(candidates, x) @ weights, _LOWEST, 1.0)
