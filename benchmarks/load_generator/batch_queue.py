"""Queue of a server that works in batches: exact latencies, and from them the true peak.

This module shares nothing with the load generator: it is what that is judged by.
"""

import bisect
import heapq
import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

PERCENTILE = 99.0
# Two seeds differ by less than 0.2 % in the peak.
_NUM_UNBATCHED, _NUM_BATCHED, _NUM_LEFT_OUT = 4_000_000, 1_000_000, 50_000
_SEED = 20_251_125


@dataclass(frozen=True)
class BatchQueue:
    """``engines`` that each serve one batch at a time, first come first served.

    A free engine takes up to ``max_batch`` requests at once. It starts when so many wait, or the
    oldest of fewer has waited for ``delay_seconds``. With ``max_batch`` 1 this is a plain queue
    with a fixed service time.

    Attributes:
        engines: Batches served at a time.
        base_seconds: Service time of a batch, whatever its size.
        request_seconds: Service time on top, for each request in it.
        max_batch: Most requests in a batch.
        delay_seconds: How long a request may wait for others to share its batch.
    """

    engines: int
    base_seconds: float
    request_seconds: float = 0.0
    max_batch: int = 1
    delay_seconds: float = 0.0

    @property
    def capacity_rps(self) -> float:
        """Throughput with full batches all the time."""
        return self.engines * self.max_batch / self.service_seconds(self.max_batch)

    def service_seconds(self, batch: int) -> float:
        """Service time of a batch."""
        return self.base_seconds + self.request_seconds * batch

    def scaled(self, factor: float) -> "BatchQueue":
        """The same queue with every time multiplied."""
        return replace(
            self,
            base_seconds=self.base_seconds * factor,
            request_seconds=self.request_seconds * factor,
            delay_seconds=self.delay_seconds * factor,
        )

    def latencies(self, arrivals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Latencies of requests that arrive at ascending instants; both of shape ``[n]``."""
        if self.max_batch == 1:
            return self._unbatched_latencies(arrivals)
        times: list[float] = arrivals.tolist()
        free = [0.0] * self.engines
        latency = np.empty(len(times))
        first = 0
        while first < len(times):
            last = first + self.max_batch
            full_at = times[last - 1] if last <= len(times) else math.inf
            ready_at = min(full_at, times[first] + self.delay_seconds)
            start = max(heapq.heappop(free), ready_at)
            end = bisect.bisect_right(times, start, first, min(last, len(times)))
            done_at = start + self.service_seconds(end - first)
            latency[first:end] = done_at - arrivals[first:end]
            heapq.heappush(free, done_at)
            first = end
        return latency

    def _unbatched_latencies(self, arrivals: NDArray[np.float64]) -> NDArray[np.float64]:
        """As ``latencies`` for single requests, which go to the engines in turn.

        With service time D an engine's k-th request starts at ``max(arrival, start before + D)``,
        so ``start - k D`` is the running maximum of ``arrival - k D``.
        """
        service = self.service_seconds(1)
        latency = np.empty(len(arrivals))
        for engine in range(self.engines):
            own = arrivals[engine :: self.engines]
            earlier = service * np.arange(len(own))
            done_at = np.maximum.accumulate(own - earlier) + earlier + service
            latency[engine :: self.engines] = done_at - own
        return latency


@cache
def true_peak_rps(queue: BatchQueue, slo_seconds: float, seed: int = _SEED) -> float:
    """Highest Poisson rate at which the 99th percentile of latency meets the SLO.

    All rates see the same arrivals at different speeds, so that the percentile rises steadily.
    """
    count = _NUM_UNBATCHED if queue.max_batch == 1 else _NUM_BATCHED
    gaps = np.random.default_rng(seed).standard_exponential(count)
    unit_arrivals = np.cumsum(gaps)

    def excess(share: float) -> float:
        arrivals = unit_arrivals / (share * queue.capacity_rps)
        latency = queue.latencies(arrivals)[_NUM_LEFT_OUT:]
        return float(np.log(np.percentile(latency, PERCENTILE) / slo_seconds))

    return queue.capacity_rps * float(brentq(excess, 0.2, 1.0, xtol=1e-4))
