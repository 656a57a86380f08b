"""Statistics of SLO violations: bounds and clustering."""

import math

import numpy as np
from numpy.typing import NDArray

# Violations fewer than this many requests apart belong to one congestion episode.
_EPISODE_GAP = 10


def wilson_lower(num_violations: float, num_requests: float, z: float) -> float:
    """Lower end of Wilson's score interval for a share (Wilson 1927).

    Args:
        num_violations: Violations, possibly an effective (fractional) number.
        num_requests: Requests, likewise.
        z: Quantile of the standard normal: 1.64 for 95 % one-sided.
    """
    if num_requests <= 0:
        return 0.0
    share = num_violations / num_requests
    centre = share + z * z / (2 * num_requests)
    spread = z * math.sqrt(share * (1 - share) / num_requests + (z / (2 * num_requests)) ** 2)
    return max(0.0, (centre - spread) / (1 + z * z / num_requests))


def design_effect(is_violation: NDArray[np.bool_]) -> float:
    """By how much clustering inflates the variance of the number of violations.

    Violations come in episodes, because a queue that is long stays long for a while. Where
    episodes arrive at random, the variance of their summed sizes S is E[S^2] / E[S] times that of
    independent violations. Without violations there is nothing to learn; the answer is then 1.

    Args:
        is_violation: Whether each request missed the SLO, in order of arrival, shape ``[n]``.
    """
    positions = np.flatnonzero(is_violation)
    if len(positions) == 0:
        return 1.0
    sizes = np.diff(
        np.concatenate(
            ([0], np.flatnonzero(np.diff(positions) > _EPISODE_GAP) + 1, [len(positions)])
        )
    )
    return float((sizes**2).sum() / sizes.sum())
