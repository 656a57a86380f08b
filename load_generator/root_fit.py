"""The rate at which the SLO just holds, from what a few probes have shown.

Symbols: q, the share of requests that may miss the SLO; v(r), the share that does at arrival rate
r; C, the capacity; t, the wait in seconds that the SLO leaves beside the service;
K = (1 + cv^2) / 2 with cv the coefficient of variation of the service time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from load_generator.capacity import Capacity

# So many times the allowed share of violations are no accident.
SURELY_FAILED = 5.0
# Grid of the posterior: roots, slopes. Fine enough that the steps are far below the sampling error.
_NUM_ROOTS, _NUM_SLOPES = 400, 48
_USUAL_SLOPE = 25.0
_LEAST_SLOPE, _LARGEST_SLOPE, _SLOPE_DEVIATION = 2.0, 100.0, 0.7
# Student's t: a server of another kind outvotes the expectation with a few dozen violations.
_GAP_DEVIATION, _GAP_FREEDOM = 0.4, 3
# A coefficient of variation from fewer latencies, or from a single pause, says little.
_LEAST_LATENCIES, _LARGEST_SQUARED_VARIATION = 5, 4.0
# The capacity itself is measured to some 1 %; nearer than this to it, all rates are alike.
_LEAST_GAP, _LARGEST_GAP = 0.003, 0.8
_NUM_HALVINGS, _LEAST_SHARE = 30, 1e-9
# Episodes of late requests are not independent either: they are likelier while the queue is long.
_EPISODES = 2.0
# Each side of the 95 % interval.
_TAIL = 0.025
# The middle of each seventh of a standard normal.
_NORMAL_POINTS = [NormalDist().inv_cdf((k + 0.5) / 7) for k in range(7)]


def variability(latency_seconds: NDArray[np.float64]) -> float:
    """K from latencies at one request at a time, shape ``[n]``; 1 when they are too few."""
    if len(latency_seconds) < _LEAST_LATENCIES:
        return 1.0
    squared = float(np.var(latency_seconds) / np.mean(latency_seconds) ** 2)
    return (1 + min(squared, _LARGEST_SQUARED_VARIATION)) / 2


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


def _waiting_share(num_slots: int, busy_share: float) -> float:
    """Share of requests that wait at all (Erlang's C formula), above 0.

    Args:
        num_slots: Requests served at a time.
        busy_share: Share of the capacity that is used, below 1.
    """
    offered, blocked = num_slots * busy_share, 1.0
    for slots in range(1, num_slots + 1):
        blocked = offered * blocked / (slots + offered * blocked)
    return max(blocked / (1 - busy_share * (1 - blocked)), _LEAST_SHARE)


@dataclass(frozen=True)
class Expectation:
    """What the theory of queues expects before any probe.

    In heavy traffic the waiting time of a single queue is about exponential (Kingman 1961), so that
    ``v(r) ~ exp(-(1 - r/C) C t / K)``: the root lies at ``1 - r/C = K ln(1/q) / (C t)``, and there
    ``d log v / d log r`` is about ``C t / K``. It needs no more than what the closed loops have
    measured. Slow servers, which show few requests and fewer violations, are where it counts.

    Attributes:
        capacity: C.
        wait_seconds: t; infinite where no bound counts from the arrival.
        allowed_share: q, between 0 and 1.
        variability: K: 0.5 for a fixed service time, 1 for an exponential one.
        num_slots: Requests that are served at a time, 1 or more.
    """

    capacity: Capacity
    wait_seconds: float
    allowed_share: float
    variability: float
    num_slots: int

    def slope(self) -> float:
        """Expected ``d log v / d log r`` at the root."""
        if math.isinf(self.wait_seconds):
            return _USUAL_SLOPE
        slope = (1 - self.gap) * self.capacity.rate_rps * self.wait_seconds / self.variability
        return min(max(slope, _LEAST_SLOPE), _LARGEST_SLOPE)

    @cached_property
    def gap(self) -> float:
        """Expected ``1 - r/C`` at the root."""
        decay = self.capacity.rate_rps * self.wait_seconds / self.variability

        def excess(gap: float) -> float:
            waiting = _waiting_share(self.num_slots, 1 - gap)
            return math.log(waiting / self.allowed_share) - gap * decay

        low, high = 0.0, _LARGEST_GAP
        for _ in range(_NUM_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if excess(middle) > 0 else (low, middle)
        return high

    def episode_requests(self, rate_rps: float) -> float:
        """Requests of which late ones come together, since a queue takes time to change.

        That of a diffusion with the drift and the variance of the queue: the nearer to the
        capacity, the longer, until it is the time in which the queue grows by the SLO by chance.
        """
        if math.isinf(self.wait_seconds):
            return 1.0
        capacity, t = self.capacity.rate_rps, self.wait_seconds
        gap = max(1 - rate_rps / capacity, _LEAST_GAP)
        relaxation = 2 * self.variability / (capacity * gap**2)
        growth = capacity * t**2 / (2 * self.variability)
        return rate_rps * max(t, min(relaxation, growth))

    def log_prior(self, log_roots: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density of roots, up to a constant, in the shape of the argument."""
        if math.isinf(self.wait_seconds):
            return np.zeros_like(log_roots)
        densities = [
            self._log_prior_at(
                self.capacity.rate_rps * math.exp(z * self.capacity.error), log_roots
            )
            for z in _NORMAL_POINTS
        ]
        mixed: NDArray[np.float64] = np.logaddexp.reduce(densities)
        return mixed

    def _log_prior_at(self, capacity: float, log_roots: NDArray[np.float64]) -> NDArray[np.float64]:
        gap = np.log(np.maximum(1 - np.exp(log_roots) / capacity, _LEAST_GAP))
        distance = (gap - math.log(self.gap)) / _GAP_DEVIATION
        log_density: NDArray[np.float64] = np.log1p(distance**2 / _GAP_FREEDOM)
        return -0.5 * (_GAP_FREEDOM + 1) * log_density


def fit_root(
    tallies: Sequence[Tally],
    low_rps: float,
    high_rps: float,
    expectation: Expectation,
) -> Root:
    """Fits a rising logistic curve of v against log r and reads off where it crosses q.

    Model: ``logit v(r) = logit q + b (log r - x)`` with priors on the root x and the slope b from
    the expectation. The posterior is summed on a grid, so that the root cannot leave the bracket
    and needs no starting point.

    Args:
        tallies: Probes, at least one.
        low_rps: Lower end of the bracket, above 0.
        high_rps: Upper end of the bracket.
        expectation: What is known beforehand.
    """
    roots = np.linspace(math.log(low_rps), math.log(high_rps), _NUM_ROOTS)[:, None]
    log_slopes = np.linspace(math.log(1.5), math.log(200), _NUM_SLOPES)[None, :]
    distance = (log_slopes - math.log(expectation.slope())) / _SLOPE_DEVIATION
    log_posterior = -0.5 * distance**2 + expectation.log_prior(roots)
    offset = math.log(expectation.allowed_share / (1 - expectation.allowed_share))
    # Of a probe far above the root it says little: all of it is one episode.
    narrow = SURELY_FAILED * expectation.allowed_share
    typical_effect = max(
        (t.effect for t in tallies if 0 < t.num_violations <= narrow * t.num_requests), default=1.0
    )
    for tally in tallies:
        logit = offset + np.exp(log_slopes) * (math.log(tally.rate_rps) - roots)
        # A probe without violations takes the clustering of the others: silence is no independence.
        effect = tally.effect if tally.num_violations else typical_effect
        effect = max(effect, expectation.episode_requests(tally.rate_rps))
        log_posterior = log_posterior + _log_likelihood(tally, logit) / (_EPISODES * effect)
    weights = np.exp(log_posterior - log_posterior.max()).sum(axis=1)
    cumulative = np.cumsum(weights) / weights.sum()
    quantiles = np.interp([_TAIL, 0.5, 1 - _TAIL], cumulative, roots[:, 0])
    low, middle, high = (float(math.exp(value)) for value in quantiles)
    return Root(rate_rps=middle, low_rps=low, high_rps=high)


def _log_likelihood(tally: Tally, logit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a probe's violations, were they independent; in the shape of ``logit v``."""
    late, good = tally.num_violations, tally.num_requests - tally.num_violations
    found: NDArray[np.float64] = -(late * np.logaddexp(0, -logit) + good * np.logaddexp(0, logit))
    return found
