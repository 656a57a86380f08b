"""Acquisition functions: a posterior in, one score a candidate out, larger is better.

Scores are never negative, so that they can be multiplied by the probability of feasibility.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from suggestion.surrogate import Posterior

Array = NDArray[np.float64]


def expected_improvement(posterior: Posterior) -> Array:
    """``E[max(0, f(x) - best)]``: Jones et al. (1998), eq. 15; shape ``[m]``.

    ``(mean - best) Phi(u) + sigma phi(u)`` with ``u = (mean - best) / sigma``.
    """
    gain = posterior.mean - posterior.best
    u = gain / posterior.sigma
    density = np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi)
    return np.asarray(np.maximum(gain * ndtr(u) + posterior.sigma * density, 0.0))


def upper_confidence_bound(posterior: Posterior, exploration_weight: float) -> Array:
    """``mean + exploration_weight * sigma``, shifted so that the lowest score is 0; shape ``[m]``.

    Args:
        posterior: Prediction at the candidates.
        exploration_weight: At least 0.
    """
    score = posterior.mean + exploration_weight * posterior.sigma
    return np.asarray(score - score.min())
