"""Finds the highest Poisson arrival rate at which a latency SLO still holds.

Idle latency, then capacity in a closed loop, then open-loop probes around the root of the violation
curve, then a confirming probe. The search knows nothing of servers: it asks a ``Meter``.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from load_generator.capacity import Capacity, pooled
from load_generator.config import LoadTestConfig
from load_generator.finding import Finding, not_found
from load_generator.meter import Meter
from load_generator.report import Probe
from load_generator.root_fit import Expectation, Root, Tally, fit_root, variability
from load_generator.sample import Sample, summarize
from load_generator.schedule import Opening
from load_generator.slo import Slo
from load_generator.statistics import design_effect, wilson_lower

_Z95 = 1.645
_FIRST_CONCURRENCY, _MAX_CONCURRENCY = 4, 1024
# Throughput that still grows almost like the concurrency is far from its end.
_FAR_GAIN = 3.0
_MIN_GAIN = 0.05
# So many times the allowed share of violations are no accident.
_SURELY_FAILED = 5.0
_STEP_UP, _STEP_DOWN, _STEP_CONFIRM = 1.25, 0.8, 0.98
# Share of the remaining time that one probe of the search may take; the rest is for its successors.
_PROBE_SHARE, _CONFIRM_SHARE = 0.25, 0.6
# Share of the SLO that is left for waiting, however slow the service.
_LEAST_WAIT = 0.05
# Share of the time for closed loops that one of them may take.
_LOOP_SHARE = 0.25
_MAX_LAG_SHARE, _MAX_CPU_SHARE, _MAX_THROTTLED_SHARE = 0.1, 0.9, 0.02


class InfeasibleError(Exception):
    """No rate meets the SLO; the message says why."""


@dataclass
class Search:
    """One search: its probes so far, and the next step.

    Attributes:
        config: The SLO, the profile and the budget.
        meter: What to measure.
        on_probe: Called with each probe when it has ended.
    """

    config: LoadTestConfig
    meter: Meter
    on_probe: Callable[[Probe], None]
    probes: list[Probe] = field(default_factory=list)
    _tallies: list[Tally] = field(default_factory=list)
    _passed: dict[float, Sample] = field(default_factory=dict)
    _failed_rates: list[float] = field(default_factory=list)
    _closed_loops: list[Capacity] = field(default_factory=list)
    _is_client_limited: bool = False
    _variability: float = 1.0
    _idle_seconds: float = 0.0
    _wait_seconds: float = math.inf
    _last_concurrency: int = 1

    async def run(self) -> Finding:
        """Runs the whole search within the meter's time."""
        try:
            await self._check_idle()
            await self._saturate()
            root = await self._narrow()
            return await self._confirm(root)
        except InfeasibleError as infeasible:
            known = self._capacity().rate_rps if self._closed_loops else None
            return not_found(str(infeasible), self._is_client_limited, known)

    def _scale(self) -> float:
        """Shortens every step alike when the budget is below the profile's."""
        return min(1.0, self.config.max_seconds / self.config.profile.max_seconds)

    async def _check_idle(self) -> None:
        profile, slo = self.config.profile, self.config.slo
        warm_up = await self.meter.closed_loop(
            1, profile.warm_up_seconds * self._scale(), "warm_up"
        )
        self._note(summarize(warm_up, kind="warm_up", concurrency=1, slo=slo))
        idle = await self.meter.closed_loop(1, profile.idle_seconds * self._scale(), "idle")
        missed = int(idle.violations(slo).sum())
        bound = wilson_lower(missed, idle.num_requests, _Z95)
        self._closed_loops = [Capacity(idle.throughput_rps, idle.throughput_error)]
        holds = idle.num_requests > 0 and bound <= self.config.slo.allowed_share
        self._note(summarize(idle, kind="idle", concurrency=1, slo=slo, has_met_slo=holds))
        if idle.num_requests == 0 or idle.is_error.all():
            raise InfeasibleError(f"Every request failed: {idle.last_error or 'no answer'}.")
        if not holds:
            raise InfeasibleError(
                f"The SLO is violated without load: {missed} of {idle.num_requests} requests "
                f"took longer than {self.config.slo.describe()} or failed."
            )
        self._idle_seconds = float(np.median(idle.latency_seconds))
        self._wait_seconds = _longest_wait(idle, slo)
        self._variability = variability(idle.latency_seconds[~idle.is_error])

    async def _saturate(self) -> None:
        """Raises the concurrency, by 2 or far from the end by 4, until throughput gains < 5 %."""
        seconds = self.config.profile.saturation_seconds * self._scale()
        budget = 0.3 * self.meter.seconds_left()
        end = self.meter.seconds_left() - budget
        best = self.probes[-1].achieved_rps
        concurrency = _FIRST_CONCURRENCY
        latency = (self.probes[-1].latency_p50_ms or 0.0) / 1000
        while concurrency <= _MAX_CONCURRENCY and self.meter.seconds_left() > end:
            # A dozen rounds at twice the latency that the last concurrency had; but where answers
            # take seconds, two rounds must do, or the time is up long before the server is full.
            left = self.meter.seconds_left() - end
            wanted = min(max(seconds, 24 * latency), max(_LOOP_SHARE * left, 2 * latency), left)
            sample = await self.meter.closed_loop(concurrency, wanted, "saturation")
            if sample.num_requests == 0:
                break
            self._last_concurrency = concurrency
            latency, slo = float(np.median(sample.latency_seconds)), self.config.slo
            self._note(summarize(sample, kind="saturation", concurrency=concurrency, slo=slo))
            rate = sample.throughput_rps
            self._closed_loops.append(Capacity(rate, sample.throughput_error))
            is_flat, is_far = rate < best * (1 + _MIN_GAIN), rate > best * _FAR_GAIN
            if rate > best and sample.strain.cpu_share > _MAX_CPU_SHARE:
                self._is_client_limited = True
            best = max(best, rate)
            # Past the point where most requests miss the SLO, more concurrency teaches nothing.
            if is_flat or sample.violations(slo).mean() > 0.5:
                break
            concurrency *= 4 if is_far else 2
        if best <= 0:
            raise InfeasibleError("No request was answered under load.")

    async def _narrow(self) -> Root:
        """Probes around the root until its interval is narrow or the time is spent."""
        rate = 0.8 * self._capacity().rate_rps
        while True:
            await self._probe(rate, "rate", _PROBE_SHARE)
            if not self._has_time():
                return self._root()
            if not self._failed_rates:
                is_at_cap = rate >= self._capacity().ceiling_rps * 0.999
                if is_at_cap and not await self._found_more_capacity():
                    return self._root()
                rate = min(rate * _STEP_UP, self._capacity().ceiling_rps)
            elif not self._passed:
                rate = self._step_down(rate)
            else:
                root = self._root()
                if root.relative_width < self.config.profile.tolerance:
                    return root
                rate = root.rate_rps

    async def _found_more_capacity(self) -> bool:
        """Measures the capacity again, since an open loop has reached it without a violation."""
        seconds = self.config.profile.saturation_seconds * self._scale()
        known = self._capacity().rate_rps
        concurrency = 2 * self._last_concurrency
        sample = await self.meter.closed_loop(concurrency, 2 * seconds, "saturation")
        slo = self.config.slo
        self._note(summarize(sample, kind="saturation", concurrency=concurrency, slo=slo))
        self._closed_loops.append(Capacity(sample.throughput_rps, sample.throughput_error))
        return self._capacity().rate_rps > known * (1 + _MIN_GAIN / 2)

    def _capacity(self) -> Capacity:
        return pooled(self._closed_loops)

    def _step_down(self, rate: float) -> float:
        # Most requests too late: far above the root, so a larger step.
        last = self._tallies[-1]
        is_far = last.num_violations > 0.3 * last.num_requests
        return rate * (_STEP_DOWN**2 if is_far and len(self._failed_rates) > 1 else _STEP_DOWN)

    def _has_time(self) -> bool:
        # What is left must hold a last probe and the confirming one.
        share = 0.35 if self._passed else 0.1
        return self.meter.seconds_left() > share * self.config.max_seconds

    async def _confirm(self, root: Root) -> Finding:
        """Probes the estimate for longer, and steps down while the SLO is missed there."""
        rate = root.rate_rps
        while True:
            has_met_slo = await self._probe(rate, "confirm", _CONFIRM_SHARE)
            root = self._root()
            if has_met_slo:
                break
            if self.meter.seconds_left() < 0.08 * self.config.max_seconds:
                break
            rate = min(rate * _STEP_CONFIRM, root.rate_rps)
        if not self._passed:
            raise InfeasibleError(
                f"The SLO held at no tested rate; the lowest was {min(self._failed_rates):.3g} rps."
            )
        confirmed = rate if rate in self._passed else max(self._passed)
        # The fit over all probes sharpens the estimate, but nothing above a confirmed rate counts.
        peak = min(confirmed, root.rate_rps)
        return Finding(
            peak_rps=peak,
            low_rps=min(root.low_rps, peak),
            high_rps=max(root.high_rps, peak),
            is_feasible=True,
            reason=self._reason(rate),
            is_client_limited=self._is_client_limited,
            saturation_rps=self._capacity().rate_rps,
            decisive=self._passed[confirmed],
        )

    def _reason(self, rate: float) -> str:
        """How much the last word on a rate is worth."""
        if rate not in self._passed:
            return "time is up before a confirmation"
        # A percentile needs as many requests as one of them may miss it, or it is an extrapolation.
        count, least = self._passed[rate].num_requests, round(1 / self.config.slo.allowed_share)
        return "confirmed" if count >= least else f"confirmed by {count} requests of {least} wanted"

    async def _probe(self, rate: float, kind: str, share: float) -> bool:
        """Probes a rate; returns whether the SLO was met there."""
        profile, slo = self.config.profile, self.config.slo
        longest = profile.max_probe_seconds * (2 if kind == "confirm" else 1)
        wanted = profile.probe_requests / rate * (2 if kind == "confirm" else 1)
        seconds = min(
            max(wanted, profile.min_probe_seconds, 20 * self.config.overdue_seconds), longest
        )
        seconds = max(min(seconds, share * self.meter.seconds_left()), 0.1)
        opening = self._opening(rate)
        sample = await self.meter.open_loop(rate, seconds, len(self._tallies), kind, opening)
        sample = sample.after_start()
        violations = sample.violations(slo)
        effect = design_effect(violations)
        missed, total = int(violations.sum()), max(1, len(violations))
        has_met_slo = not sample.stop_reason and missed <= self.config.slo.allowed_share * total
        self._tallies.append(Tally(rate, total, missed, effect))
        if has_met_slo:
            self._passed[rate] = sample
        else:
            self._failed_rates.append(rate)
            self._check_client(sample)
        self._note(summarize(sample, kind=kind, offered_rps=rate, slo=slo, has_met_slo=has_met_slo))
        return has_met_slo

    def _opening(self, rate: float) -> Opening:
        """What brings the server to the state that it has near the root.

        A queue near its capacity takes longer to fill than a probe lasts, and an empty one makes
        the rate look sustainable. Near the root the mean wait is about the SLO divided by
        ln(1/q), and by Little's law the rate times the wait is in the queue. Those in service are
        there after one idle latency of ordinary arrivals; sent at once they would keep in step.
        """
        if math.isinf(self._wait_seconds):
            return Opening(self._idle_seconds)
        mean_wait = self._wait_seconds / -math.log(self.config.slo.allowed_share)
        return Opening(self._idle_seconds, min(round(rate * mean_wait), _MAX_CONCURRENCY))

    def _check_client(self, sample: Sample) -> None:
        lag = sample.lag_p99_seconds() or 0.0
        is_late = lag > _MAX_LAG_SHARE * self.config.slo.tightest_seconds
        is_throttled = sample.strain.throttled_share > _MAX_THROTTLED_SHARE
        if is_late or is_throttled or sample.strain.cpu_share > _MAX_CPU_SHARE:
            self._is_client_limited = True

    def _root(self) -> Root:
        """The root between what surely fails and what is far below all else.

        A probe that passed or failed narrowly is evidence and no bound: of several at one rate, the
        luckiest or the unluckiest would be the bound.
        """
        capacity, slo = self._capacity(), self.config.slo
        surely = _SURELY_FAILED * slo.allowed_share
        failed = [t.rate_rps for t in self._tallies if t.num_violations > surely * t.num_requests]
        most_passed = max(self._passed, default=0.0)
        lowest = min([*self._failed_rates, most_passed or capacity.ceiling_rps])
        low = lowest * (0.8 if self._passed else 0.5)
        high = 1.02 * max(most_passed, min(failed, default=capacity.ceiling_rps))
        return fit_root(
            self._tallies,
            low,
            max(min(high, capacity.ceiling_rps), low * 1.05),
            Expectation(capacity, self._wait_seconds, slo.allowed_share, self._variability),
        )

    def _note(self, probe: Probe) -> None:
        self.probes.append(probe)
        self.on_probe(probe)


def _longest_wait(idle: Sample, slo: Slo) -> float:
    """What the tighter bound leaves beside the service without load, in seconds."""
    is_ttft = slo.ttft_seconds <= slo.latency_seconds
    served = float(
        np.median((idle.ttft_seconds if is_ttft else idle.latency_seconds)[~idle.is_error])
    )
    return max(slo.tightest_seconds - served, _LEAST_WAIT * slo.tightest_seconds)
