"""Statistics of SLO violations: bounds, clustering, and the rate at which the SLO just holds.

Symbols: q, the share of requests that may miss the SLO; v, a share of violations; n, a number of
requests; r, an arrival rate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Violations fewer than this many requests apart belong to one congestion episode.
_EPISODE_GAP = 10
# Grid of the posterior: roots, slopes. Fine enough that the steps are far below the sampling error.
_NUM_ROOTS, _NUM_SLOPES = 400, 48


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


@dataclass(frozen=True)
class Tally:
    """Violations of one open-loop probe: ``num_violations`` of ``num_requests`` at ``rate_rps``.

    ``effect`` is the design effect: the effective number of requests is ``num_requests / effect``.
    """

    rate_rps: float
    num_requests: int
    num_violations: int
    effect: float


@dataclass(frozen=True)
class Root:
    """The rate at which the SLO just holds: posterior median and 95 % interval, in rps."""

    rate_rps: float
    low_rps: float
    high_rps: float

    @property
    def relative_width(self) -> float:
        return (self.high_rps - self.low_rps) / self.rate_rps


def fit_root(
    tallies: Sequence[Tally], allowed_share: float, low_rps: float, high_rps: float
) -> Root:
    """Fits a rising logistic curve of v against log r and reads off where it crosses q.

    Model: ``logit v(r) = logit q + b (log r - x)`` with root x uniform on the bracket and
    ``log b ~ N(log 25, 1)``: near saturation, log v of a single queue rises about as fast as the
    SLO measured in service times, which is 5 to 100. The posterior is summed on a grid, so that
    the root cannot leave the bracket and needs no starting point.

    Args:
        tallies: Probes, at least one.
        allowed_share: q, between 0 and 1.
        low_rps: Lower end of the bracket, above 0.
        high_rps: Upper end of the bracket.
    """
    roots = np.linspace(math.log(low_rps), math.log(high_rps), _NUM_ROOTS)[:, None]
    log_slopes = np.linspace(math.log(3), math.log(200), _NUM_SLOPES)[None, :]
    log_posterior = -0.5 * (log_slopes - math.log(25)) ** 2 + np.zeros_like(roots)
    offset = math.log(allowed_share / (1 - allowed_share))
    typical_effect = max((t.effect for t in tallies if t.num_violations), default=1.0)
    for tally in tallies:
        logit = offset + np.exp(log_slopes) * (math.log(tally.rate_rps) - roots)
        # A probe without violations takes the clustering of the others: silence is no independence.
        effect = tally.effect if tally.num_violations else typical_effect
        good = tally.num_requests - tally.num_violations
        log_likelihood = -tally.num_violations * np.logaddexp(0, -logit) - good * np.logaddexp(
            0, logit
        )
        log_posterior = log_posterior + log_likelihood / effect
    weights = np.exp(log_posterior - log_posterior.max()).sum(axis=1)
    cumulative = np.cumsum(weights) / weights.sum()
    quantiles = np.interp([0.025, 0.5, 0.975], cumulative, roots[:, 0])
    low, middle, high = (float(math.exp(value)) for value in quantiles)
    return Root(rate_rps=middle, low_rps=low, high_rps=high)
