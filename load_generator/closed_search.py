"""What closed loops tell of a server: its latency without load, and its capacity."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from load_generator.capacity import Capacity, pooled
from load_generator.config import LoadTestConfig
from load_generator.finding import InfeasibleError
from load_generator.meter import Meter
from load_generator.report import Probe
from load_generator.root_fit import Expectation, variability
from load_generator.sample import Sample, summarize
from load_generator.slo import Slo
from load_generator.statistics import wilson_lower

_Z95 = 1.645
# A slow server answers few requests meanwhile, and a few late ones may be chance: it is then
# watched for so many times as long, unless more than this share of them is late.
_SECOND_LOOK, _CLEARLY_LATE = 3.0, 0.5
_FIRST_CONCURRENCY, _MAX_CONCURRENCY = 4, 1024
# Share of the time that closed loops may take.
_SATURATION_SHARE = 0.3
# Answers that take longer than this leave time for a few closed loops: larger steps, more time.
_SLOW_SECONDS, _SLOW_CONCURRENCY, _SLOW_SATURATION_SHARE = 1.0, 8, 0.45
# Share of the time for closed loops that one of them may take.
_LOOP_SHARE = 0.15
# Throughput that still grows almost like the concurrency is far from its end.
_FAR_GAIN = 3.0
# Of four times the requests in flight, where they take long, most would only wait.
_MIN_GAIN, _SLOW_MIN_GAIN = 0.05, 0.5
# While the median is below so many idle latencies, nothing queues: latencies are service times.
_NO_QUEUE = 1.2
# Below this share of the capacity nothing queues, and what takes so much longer than one request
# alone is served more slowly.
_UNSATURATED, _SLOWER, _LEAST_UNUSED = 0.9, 1.15, 0.3
# Share of the SLO that is left for waiting, however slow the service.
_LEAST_WAIT = 0.05
# CPU share of a sending process that may not be more.
MAX_CPU_SHARE = 0.9


@dataclass
class ClosedLoops:
    """The closed loops of one search, and what they have told so far.

    Attributes:
        config: The SLO, the profile and the budget.
        meter: What to measure.
        note: Called with each probe when it has ended.
        idle_seconds: Median latency of one request at a time.
        wait_seconds: What the SLO leaves beside that; infinite without a bound from the arrival.
        is_end_known: Whether more concurrency is known to bring no more.
        is_client_limited: Whether it may have been the client that was at its end.
    """

    config: LoadTestConfig
    meter: Meter
    note: Callable[[Probe], None]
    idle_seconds: float = 0.0
    wait_seconds: float = math.inf
    is_end_known: bool = False
    is_client_limited: bool = False
    _measured: list[Capacity] = field(default_factory=list)
    _variability: float = 1.0
    _last_concurrency: int = 1
    _served_seconds: float = 0.0
    _served: list[tuple[int, float, float]] = field(default_factory=list)

    def capacity(self) -> Capacity:
        """The capacity as far as it is known; 0 before the first closed loop."""
        return pooled(self._measured) if self._measured else Capacity(0.0, 1.0)

    def expectation(self) -> Expectation:
        """What follows for the open loops."""
        capacity = self.capacity()
        return Expectation(
            capacity=capacity,
            wait_seconds=self.wait_seconds,
            allowed_share=self.config.slo.allowed_share,
            variability=self._variability,
            num_slots=max(1, round(capacity.rate_rps * self.idle_seconds)),
        )

    async def check_idle(self) -> None:
        """Sends one request at a time, and longer before it finds the SLO violated by a few.

        Raises:
            InfeasibleError: the SLO does not hold even so.
        """
        profile, slo = self.config.profile, self.config.slo
        warm_up = await self.meter.closed_loop(1, profile.warm_up_seconds * self._scale, "warm_up")
        self.note(summarize(warm_up, kind="warm_up", concurrency=1, slo=slo))
        idle, holds = await self._look_idle(profile.idle_seconds)
        if not holds and idle.violations(slo).mean() <= _CLEARLY_LATE:
            idle, holds = await self._look_idle(_SECOND_LOOK * profile.idle_seconds)
        if not holds:
            missed = int(idle.violations(slo).sum())
            raise InfeasibleError(
                f"The SLO is violated without load: {missed} of {idle.num_requests} requests "
                f"took longer than {slo.describe()} or failed."
            )
        self.idle_seconds = float(np.median(idle.latency_seconds))
        self._served_seconds = _served_seconds(idle, slo)
        self._set_wait(self._served_seconds)
        self._variability = variability(idle.latency_seconds[~idle.is_error])

    async def _look_idle(self, seconds: float) -> tuple[Sample, bool]:
        """What was seen, and whether the SLO may hold for all that was."""
        slo = self.config.slo
        idle = await self.meter.closed_loop(1, seconds * self._scale, "idle")
        self._measured.append(Capacity(idle.throughput_rps, idle.throughput_error))
        bound = wilson_lower(int(idle.violations(slo).sum()), idle.num_requests, _Z95)
        holds = idle.num_requests > 0 and bound <= slo.allowed_share
        self.note(summarize(idle, kind="idle", concurrency=1, slo=slo, has_met_slo=holds))
        if idle.num_requests == 0 or idle.is_error.all():
            raise InfeasibleError(f"Every request failed: {idle.last_error or 'no answer'}.")
        return idle, holds

    async def saturate(self) -> None:
        """Raises the concurrency, by 2 or far from the end by 4, until throughput gains < 5 %.

        Where answers take more than a second, always by 4, and until it gains < 50 %.

        Raises:
            InfeasibleError: nothing was answered.
        """
        is_slow, latency = self.idle_seconds > _SLOW_SECONDS, self.idle_seconds
        share = _SLOW_SATURATION_SHARE if is_slow else _SATURATION_SHARE
        end = (1 - share) * self.meter.seconds_left()
        concurrency = _SLOW_CONCURRENCY if is_slow else _FIRST_CONCURRENCY
        best = self.capacity().rate_rps
        while concurrency <= _MAX_CONCURRENCY and self.meter.seconds_left() > end:
            seconds = self._loop_seconds(latency, self.meter.seconds_left() - end)
            sample = await self._busy_loop(concurrency, seconds)
            if sample.num_requests == 0:
                break
            latency, rate = float(np.median(sample.latency_seconds)), sample.throughput_rps
            least_gain = _SLOW_MIN_GAIN if is_slow else _MIN_GAIN
            is_flat, is_far = rate < best * (1 + least_gain), rate > best * _FAR_GAIN
            if rate > best and sample.strain.cpu_share > MAX_CPU_SHARE:
                self.is_client_limited = True
            best = max(best, rate)
            # Past the point where most requests miss the SLO, more concurrency teaches nothing.
            if is_flat or sample.violations(self.config.slo).mean() > 0.5:
                self.is_end_known = True
                break
            if latency < _NO_QUEUE * self.idle_seconds:
                self._variability = variability(sample.latency_seconds[~sample.is_error])
            concurrency *= 4 if is_far or is_slow else 2
        if best <= 0:
            raise InfeasibleError("No request was answered under load.")
        self._set_wait(self._served_seconds_at_load())

    async def has_found_more(self) -> bool:
        """Whether another closed loop raises the capacity, which an open loop has reached."""
        known = self.capacity().rate_rps
        seconds = 2 * self.config.profile.saturation_seconds * self._scale
        await self._busy_loop(2 * self._last_concurrency, seconds)
        return self.capacity().rate_rps > known * (1 + _MIN_GAIN / 2)

    async def _busy_loop(self, concurrency: int, seconds: float) -> Sample:
        sample = await self.meter.closed_loop(concurrency, seconds, "saturation")
        if sample.num_requests:
            self._last_concurrency = concurrency
            self._measured.append(Capacity(sample.throughput_rps, sample.throughput_error))
            slo = self.config.slo
            self._served.append((concurrency, sample.throughput_rps, _served_seconds(sample, slo)))
            self.note(summarize(sample, kind="saturation", concurrency=concurrency, slo=slo))
        return sample

    def _loop_seconds(self, latency: float, left: float) -> float:
        # A dozen rounds at twice the latency that the last concurrency had; but where answers take
        # seconds, two rounds must do, or the time is up long before the server is full.
        usual = self.config.profile.saturation_seconds * self._scale
        return min(max(usual, 24 * latency), max(_LOOP_SHARE * left, 2 * latency), left)

    def _set_wait(self, served_seconds: float) -> None:
        tightest = self.config.slo.tightest_seconds
        self.wait_seconds = max(tightest - served_seconds, _LEAST_WAIT * tightest)

    def _served_seconds_at_load(self) -> float:
        """Service time of a server that is just busy; that of larger batches is longer.

        A straight line through two numbers of requests in flight that leave capacity unused, up to
        where it meets the capacity, which by Little's law serves as many in that time.
        """
        idle, capacity = self._served_seconds, self.capacity().rate_rps
        slopes = [
            (served - idle) / (concurrency - 1)
            for concurrency, rate, served in self._served
            if rate < _UNSATURATED * capacity and served > _SLOWER * idle
        ]
        slope = max(slopes, default=0.0)
        return max(idle, (idle - slope) / max(1 - slope * capacity, _LEAST_UNUSED))

    @property
    def _scale(self) -> float:
        """Shortens every step alike when the budget is below the profile's."""
        return min(1.0, self.config.max_seconds / self.config.profile.max_seconds)


def _served_seconds(sample: Sample, slo: Slo) -> float:
    """Median time until what the tighter bound is on: the first token, or the whole answer."""
    is_ttft = slo.ttft_seconds <= slo.latency_seconds
    times = sample.ttft_seconds if is_ttft else sample.latency_seconds
    return float(np.median(times[~sample.is_error])) if not sample.is_error.all() else 0.0
