"""The capacity of a server, from closed loops that have kept it busy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Rates that differ by less than this many standard errors may be one capacity, measured twice.
_SAME_ERRORS = 2.0
# Even a regular server is not measured better: the edges of the stretch, other work on its machine.
_LEAST_ERROR = 0.003


@dataclass(frozen=True)
class Capacity:
    """Correct answers a second without idle moments.

    Attributes:
        rate_rps: The estimate.
        error: Its relative standard error.
    """

    rate_rps: float
    error: float

    @property
    def ceiling_rps(self) -> float:
        """Rate above which no open loop gets, up to the error of this measurement."""
        return self.rate_rps * (1.02 + _SAME_ERRORS * self.error)


def pooled(measured: Sequence[Capacity]) -> Capacity:
    """The best of the rates, averaged with those that are as good up to their errors.

    The best of several equal rates alone would be the luckiest, and too high. Each is compared with
    the average of all better ones: of a lower rate that is known well, and several higher ones that
    are known badly, it is not the lower one that counts.

    Args:
        measured: At least one.
    """
    first, *rest = sorted(measured, key=lambda one: one.rate_rps, reverse=True)
    found = first
    for one in rest:
        distance = found.rate_rps - one.rate_rps
        if distance > _SAME_ERRORS * math.hypot(
            one.error * one.rate_rps, found.error * found.rate_rps
        ):
            break
        found = _average(found, one)
    return found


def _average(first: Capacity, second: Capacity) -> Capacity:
    weights = [1 / max(one.error, _LEAST_ERROR) ** 2 for one in (first, second)]
    rate = (weights[0] * first.rate_rps + weights[1] * second.rate_rps) / sum(weights)
    return Capacity(rate, 1 / math.sqrt(sum(weights)))
