"""Probability that a configuration runs at all, from the outcomes of trials so far."""

import numpy as np
from numpy.typing import NDArray

from suggestion.covariance import Kernel

Array = NDArray[np.float64]

# Kriging of 0/1 outcomes. With the deviation and nugget below a failure halves the hope of its
# direct neighbours and leaves far ones alone.
_DEVIATION = 0.35
_NUGGET = 0.05
_LENGTH_SCALE = 0.4
_LOWEST = 0.005
# Without a library, most configurations are expected to run.
EXPECTED = 0.9


def feasible_probability(
    x: Array,
    is_feasible: NDArray[np.bool_],
    candidates: Array,
    groups: NDArray[np.int64],
    expected: tuple[Array, Array] | None = None,
) -> Array:
    """Predicts feasibility at the candidates: what was expected, corrected by the outcomes.

    Args:
        x: Points with a known outcome, shape ``[n, d]``.
        is_feasible: Their outcomes, shape ``[n]``.
        candidates: Shape ``[m, d]``.
        groups: Parameter of each column, shape ``[d]``.
        expected: Probability at x and at the candidates before any outcome; ``EXPECTED`` when
            nothing is known.

    Returns:
        Probabilities in [0.005, 1], shape ``[m]``; without expectations all 1 as long as nothing
        has failed.
    """
    if expected is None:
        if is_feasible.all():
            return np.ones(len(candidates))
        expected = np.full(len(x), EXPECTED), np.full(len(candidates), EXPECTED)
    at_x, at_candidates = expected
    if not len(x):
        return np.clip(at_candidates, _LOWEST, 1.0)
    num_parameters = int(groups.max()) + 1
    length_scale = _LENGTH_SCALE * np.sqrt(num_parameters)
    kernel = Kernel(
        groups=groups,
        inverse_squares=np.full(num_parameters, length_scale**-2.0),
        amplitude=_DEVIATION**2,
        noise=_NUGGET**2,
    )
    covariance = kernel.between(x, x) + kernel.noise * np.eye(len(x))
    weights = np.linalg.solve(covariance, is_feasible - at_x)
    return np.clip(at_candidates + kernel.between(candidates, x) @ weights, _LOWEST, 1.0)
