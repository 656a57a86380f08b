"""A meter over a simulated M/D/c queue in virtual time: its true peak can be computed."""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from load_generator.sample import Sample
from load_generator.schedule import Opening, poisson_send_times, probe_send_times
from load_generator.statistics import design_effect, wilson_lower


def latencies_of_queue(
    arrivals: NDArray[np.float64], service_seconds: float, num_servers: int
) -> NDArray[np.float64]:
    """Latencies of a first-come first-served queue with a fixed service time, shape ``[n]``."""
    free = [-np.inf] * num_servers
    latencies = np.empty(len(arrivals))
    for index, arrival in enumerate(arrivals.tolist()):
        end = max(arrival, heapq.heappop(free)) + service_seconds
        heapq.heappush(free, end)
        latencies[index] = end - arrival
    return latencies


def true_peak_rps(
    service_seconds: float, num_servers: int, slo_seconds: float, percentile: float
) -> float:
    """Highest Poisson rate whose latency percentile meets the SLO, by bisection on long runs."""
    capacity = num_servers / service_seconds
    low, high = 0.0, capacity
    for _ in range(14):
        rate = (low + high) / 2
        arrivals = poisson_send_times(rate, 400_000, seed=99)
        latency = np.percentile(
            latencies_of_queue(arrivals, service_seconds, num_servers)[20_000:], percentile
        )
        low, high = (rate, high) if latency <= slo_seconds else (low, rate)
    return (low + high) / 2


@dataclass
class QueueMeter:
    """Implements ``slo_search.Meter`` for a queue of known parameters."""

    service_seconds: float
    num_servers: int
    slo_seconds: float
    budget_seconds: float
    seed: int = 0
    lag_seconds: float = 0.0
    elapsed_seconds: float = 0.0

    def seconds_left(self) -> float:
        return self.budget_seconds - self.elapsed_seconds

    async def closed_loop(self, concurrency: int, seconds: float, kind: str) -> Sample:
        busy = min(concurrency, self.num_servers)
        rate = busy / self.service_seconds
        count = max(1, int(rate * seconds))
        latency = self.service_seconds * max(1.0, concurrency / self.num_servers)
        self.elapsed_seconds += seconds
        due = np.linspace(0, seconds, count)
        return _sample(due, np.full(count, latency), np.empty(0), seconds, rate, "")

    async def open_loop(
        self, rate_rps: float, seconds: float, index: int, kind: str, opening: Opening
    ) -> Sample:
        arrivals = probe_send_times(rate_rps, seconds, opening, self.seed * 1000 + index)
        count, num_first = len(arrivals), int((arrivals <= 0).sum())
        latencies = latencies_of_queue(arrivals, self.service_seconds, self.num_servers)
        is_missed = latencies > self.slo_seconds
        stop_reason = ""
        for done in range(num_first + 20, count, max(1, count // 50)):
            counted = is_missed[num_first:done]
            effect, missed = design_effect(counted), counted.sum()
            bound = wilson_lower(missed / effect, len(counted) / effect, 3.1)
            is_repeated = missed >= 2 * effect or missed > 0.3 * len(counted)
            is_refuted = is_repeated and bound > 0.01
            if is_refuted or latencies[done] > 2 * self.slo_seconds:
                latencies, stop_reason = latencies[: done + 1], "hopeless"
                break
        taken = float(arrivals[len(latencies) - 1])
        self.elapsed_seconds += taken - arrivals[0] + 0.3
        lags = np.full(len(latencies), self.lag_seconds)
        due = arrivals[: len(latencies)]
        return _sample(due, latencies, lags, taken, len(latencies) / max(taken, 1e-3), stop_reason)


def _sample(
    due: NDArray[np.float64],
    latencies: NDArray[np.float64],
    lags: NDArray[np.float64],
    seconds: float,
    rate: float,
    stop_reason: str,
) -> Sample:
    return Sample(
        latency_seconds=latencies,
        due_seconds=due,
        is_error=np.zeros(len(latencies), dtype=np.bool_),
        ttft_seconds=np.full(len(latencies), np.nan),
        tpot_seconds=np.full(len(latencies), np.nan),
        lag_seconds=lags,
        seconds=seconds,
        throughput_rps=rate,
        stop_reason=stop_reason,
    )
