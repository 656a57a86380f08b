"""The peak of a real server from many long windows at fixed rates, with its uncertainty.

It shares neither the search nor the fit with the load generator: the share of late requests is made
to rise with the rate (isotonic regression, nothing else is assumed) and read off where it crosses
the allowed share. Windows are resampled to tell how sure that is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from benchmarks.load_generator.results import Window

ALLOWED_SHARE = 0.01
_NUM_RESAMPLES, _SEED = 2000, 7
# A root needs windows on both sides of it.
LEAST_WINDOWS = 6


@dataclass(frozen=True)
class Truth:
    """A peak, its standard error and its 95 % interval, in requests a second."""

    peak_rps: float
    error_rps: float
    low_rps: float
    high_rps: float


def exact(peak_rps: float) -> Truth:
    """The truth of a server that is known."""
    return Truth(peak_rps, 0.0, peak_rps, peak_rps)


def from_windows(windows: Sequence[Window]) -> Truth | None:
    """The peak between the windows; None while they are too few, or all on one side of it."""
    rates = np.array([w.rate_rps for w in windows])
    counts = np.array([w.num_requests for w in windows], dtype=np.float64)
    late = np.array([w.num_violations for w in windows], dtype=np.float64)
    if len(windows) < LEAST_WINDOWS:
        return None
    peak = crossing(rates, counts, late, ALLOWED_SHARE)
    if math.isnan(peak):
        return None
    source = np.random.default_rng(_SEED)
    peaks = []
    for _ in range(_NUM_RESAMPLES):
        chosen = source.integers(len(windows), size=len(windows))
        peaks.append(crossing(rates[chosen], counts[chosen], late[chosen], ALLOWED_SHARE))
    known = np.array(peaks)[~np.isnan(peaks)]
    low, high = np.percentile(known, [2.5, 97.5])
    return Truth(peak, float(known.std()), float(low), float(high))


def crossing(
    rates_rps: NDArray[np.float64],
    num_requests: NDArray[np.float64],
    num_late: NDArray[np.float64],
    allowed_share: float,
) -> float:
    """The rate at which a rising share of late requests crosses the allowed one.

    Windows whose shares cannot be told apart form a step, which stands at their mean rate; between
    steps the logit of the share is a straight line in the logarithm of the rate.

    Args:
        rates_rps: Shape ``[n]``, in any order.
        num_requests: Shape ``[n]``.
        num_late: Shape ``[n]``.
        allowed_share: Between 0 and 1.

    Returns:
        The rate; NaN when all steps are on one side.
    """
    order = np.argsort(rates_rps, kind="stable")
    log_rates, counts = np.log(rates_rps[order]), num_requests[order]
    # Half a late request more: no share is so small that its logit is infinite.
    shares = (num_late[order] + 0.5) / (counts + 1)
    steps = isotonic_regression(shares, weights=counts)
    starts = steps.blocks[:-1]
    places = np.add.reduceat(log_rates * counts, starts) / np.add.reduceat(counts, starts)
    logits = _logit(steps.x[starts])
    wanted = _logit(np.array([allowed_share]))[0]
    if not logits[0] <= wanted <= logits[-1]:
        return math.nan
    return float(np.exp(np.interp(wanted, logits, places)))


def _logit(share: NDArray[np.float64]) -> NDArray[np.float64]:
    logit: NDArray[np.float64] = np.log(share / (1 - share))
    return logit
