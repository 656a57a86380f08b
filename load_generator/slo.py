"""The service level objective: bounds that a share of all requests must meet."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Slo:
    """Bounds on one request, all of which it must meet; an infinite one bounds nothing.

    Attributes:
        latency_seconds: From the scheduled instant to the full answer.
        ttft_seconds: From the scheduled instant to the first token.
        tpot_seconds: Mean time per output token after the first.
        percentile: Share of requests that must meet the bounds, for instance 99.
    """

    latency_seconds: float = math.inf
    ttft_seconds: float = math.inf
    tpot_seconds: float = math.inf
    percentile: float = 99.0

    @property
    def allowed_share(self) -> float:
        """Share of requests that may miss the bounds: 0.01 for a 99th percentile."""
        return 1 - self.percentile / 100

    @property
    def tightest_seconds(self) -> float:
        """The shorter of the bounds that count from the scheduled instant."""
        return min(self.latency_seconds, self.ttft_seconds)

    @property
    def loosest_seconds(self) -> float:
        """The longer of the bounds that count from the scheduled instant; 0 without any."""
        bounds = (self.latency_seconds, self.ttft_seconds)
        return max((bound for bound in bounds if math.isfinite(bound)), default=0.0)

    def describe(self) -> str:
        """The bounds in words, for instance "200 ms" or "TTFT 500 ms, TPOT 50 ms"."""
        bounds = {"": self.latency_seconds, "TTFT ": self.ttft_seconds, "TPOT ": self.tpot_seconds}
        known = {name: bound for name, bound in bounds.items() if math.isfinite(bound)}
        return ", ".join(f"{name}{bound * 1000:g} ms" for name, bound in known.items())

    def is_missed(
        self,
        latency_seconds: NDArray[np.float64],
        ttft_seconds: NDArray[np.float64],
        tpot_seconds: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """Whether each request misses a bound; a NaN misses none. Arrays of shape ``[n]``."""
        missed = latency_seconds > self.latency_seconds
        missed |= ttft_seconds > self.ttft_seconds
        missed |= tpot_seconds > self.tpot_seconds
        return missed
