"""Acquisition functions: a posterior in, one score a candidate out, larger is better.

Scores are never negative and are multiplied by the probability that the service runs there.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from suggestion.posterior import Posterior

Array = NDArray[np.float64]


def expected_improvement(posterior: Posterior) -> Array:
    """``E[max(0, f(x) - best)]``, averaged over the components; shape ``[m]``.

    Of each component ``(mean - best) Phi(u) + sigma phi(u)`` with ``u = (mean - best) / sigma``
    (Jones et al. 1998, eq. 15); none where it expects the service not to run.
    """
    score = np.zeros(posterior.means.shape[1])
    for index, spread in enumerate(posterior.spreads):
        members = posterior.spread_of == index
        sigma = np.sqrt(spread.variance)
        gain = posterior.means[members] - posterior.best[members, None]
        u = gain / sigma
        density = np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi)
        improvement = np.maximum(gain * ndtr(u) + sigma * density, 0.0)
        score += posterior.weights[members] @ (improvement * posterior.runs[members])
    return score * posterior.feasible


def confidence_delta(posterior: Posterior, exploration_weight: float) -> Array:
    """Expected improvement of ``f' + delta |f' - f|``, Eq. 6 of the Morphling paper; shape ``[m]``.

    The paper takes the largest value of Eq. 6 itself. ``|f' - f|`` vanishes where the network has
    settled, right or wrong, so the spread that the network has learnt decides beside it.

    Args:
        posterior: With a confidence.
        exploration_weight: delta, at least 0.
    """
    if posterior.confidence is None:
        raise ValueError("confidence_delta must have a posterior with a confidence, but got none.")
    optimistic = posterior.means + exploration_weight * posterior.confidence
    return expected_improvement(replace(posterior, means=optimistic))


def upper_confidence_bound(posterior: Posterior, exploration_weight: float) -> Array:
    """``mean + exploration_weight * sigma``, shifted so that the lowest score is 0; shape ``[m]``.

    Args:
        posterior: Prediction at the candidates.
        exploration_weight: At least 0.
    """
    score = posterior.mean + exploration_weight * posterior.sigma
    return np.asarray((score - score.min()) * posterior.feasible)
