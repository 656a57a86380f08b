"""Finds the highest Poisson arrival rate at which a latency SLO still holds.

Idle latency, then capacity in a closed loop, then open-loop probes around the root of the violation
curve, then a confirming probe. The search knows nothing of servers: it asks a ``Meter``.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from load_generator.closed_search import MAX_CPU_SHARE, ClosedLoops
from load_generator.config import LoadTestConfig
from load_generator.evidence import Evidence
from load_generator.finding import Finding, InfeasibleError, not_found
from load_generator.meter import Meter
from load_generator.report import Probe
from load_generator.root_fit import Root
from load_generator.sample import Sample, summarize
from load_generator.schedule import Opening

_STEP_UP, _STEP_DOWN, _STEP_CONFIRM = 1.25, 0.8, 0.98
_LEAST_STEP_CONFIRM = 0.995
# Share of the remaining time that one probe of the search may take; the rest is for its successors.
_PROBE_SHARE, _CONFIRM_SHARE = 0.25, 0.6
# With less than this share of all time left, a confirming probe would hold next to no request.
_LEAST_CONFIRM_SHARE = 0.02
_MAX_LAG_SHARE, _MAX_THROTTLED_SHARE = 0.1, 0.02
# So many requests that fail, or so many probes that bring no answer, are no accident of the network
# and no pause of the server.
_MIN_FAILED, _MIN_SILENT_PROBES = 3, 2
# A queue that is made at once is no longer than this.
_MAX_QUEUED = 1024


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
    _was_strained: bool = False
    _since_answer: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._closed = ClosedLoops(self.config, self.meter, self._note)
        self._evidence = Evidence(self._closed)

    async def run(self) -> Finding:
        """Runs the whole search within the meter's time."""
        try:
            await self._closed.check_idle()
            await self._closed.saturate()
            root = await self._narrow()
            return await self._confirm(root)
        except InfeasibleError as infeasible:
            known = self._closed.capacity().rate_rps or None
            return not_found(str(infeasible), self._is_client_limited(), known)

    async def _narrow(self) -> Root:
        """Probes around the root until its interval is narrow or the time is spent."""
        rate = 0.8 * self._closed.capacity().rate_rps
        while True:
            await self._probe(rate, "rate", _PROBE_SHARE)
            if not self._has_time():
                return self._evidence.root()
            if not self._evidence.failed_rates:
                is_at_cap = rate >= self._closed.capacity().ceiling_rps * 0.999
                if is_at_cap and not await self._closed.has_found_more():
                    return self._evidence.root()
                rate = min(rate * _STEP_UP, self._closed.capacity().ceiling_rps)
            elif not self._evidence.passed:
                rate = self._step_down(rate)
            else:
                root = self._evidence.root()
                next_rate = self._evidence.next_rate(root, self.config.profile.tolerance)
                if next_rate is None:
                    return root
                rate = next_rate

    def _step_down(self, rate: float) -> float:
        # Most requests too late: far above the root, so a larger step.
        last = self._evidence.tallies[-1]
        is_far = last.num_violations > 0.3 * last.num_requests
        is_lost = is_far and len(self._evidence.failed_rates) > 1
        return rate * (_STEP_DOWN**2 if is_lost else _STEP_DOWN)

    def _has_time(self) -> bool:
        # What is left must hold a last probe and the confirming one.
        share = 0.35 if self._evidence.passed else 0.1
        return self._seconds_to_send() > share * self.config.max_seconds

    def _seconds_to_send(self) -> float:
        """What is left, but for the requests before those that count, and for the last answers."""
        return self.meter.seconds_left() - 2 * self._closed.idle_seconds

    async def _confirm(self, root: Root) -> Finding:
        """Probes the estimate for longer, and steps down while the SLO is missed there."""
        rate, evidence = root.rate_rps, self._evidence
        least_seconds = _LEAST_CONFIRM_SHARE * self.config.max_seconds
        while not evidence.passed or self._seconds_to_send() > least_seconds:
            has_met_slo = await self._probe(rate, "confirm", _CONFIRM_SHARE)
            root = evidence.root()
            if has_met_slo:
                break
            if self.meter.seconds_left() < 0.08 * self.config.max_seconds:
                break
            # Where much is known, half of the way to the interval's end is less than a usual step.
            lower = max(rate * _STEP_CONFIRM, (root.rate_rps + root.low_rps) / 2)
            rate = min(lower, rate * _LEAST_STEP_CONFIRM, root.rate_rps)
        self._check_alive()
        if not evidence.passed:
            raise InfeasibleError(
                "The SLO held at no tested rate; the lowest was "
                f"{min(evidence.failed_rates):.3g} rps."
            )
        confirmed = rate if rate in evidence.passed else max(evidence.passed)
        # The fit over all probes sharpens the estimate, but nothing above a confirmed rate counts;
        # nor, where no time is left to confirm, what the interval does not hold for sure.
        peak = min(
            confirmed if rate in evidence.passed else max(confirmed, root.low_rps),
            root.rate_rps,
        )
        return Finding(
            peak_rps=peak,
            low_rps=min(root.low_rps, peak),
            high_rps=max(root.high_rps, peak),
            is_feasible=True,
            reason=self._reason(rate),
            is_client_limited=self._is_client_limited(),
            saturation_rps=self._closed.capacity().rate_rps,
            decisive=evidence.passed[confirmed],
        )

    def _check_alive(self) -> None:
        """A server that crashed or hangs is no configuration to recommend, however well it served.

        Raises:
            InfeasibleError: it has not answered for the last probes.
        """
        silent = self._since_answer
        errors = [sample.last_error for sample in silent if sample.last_error]
        if sum(int(sample.is_error.sum()) for sample in silent) >= _MIN_FAILED:
            raise InfeasibleError(f"In the end every request failed: {errors[-1]}.")
        if len(silent) >= _MIN_SILENT_PROBES:
            raise InfeasibleError("In the end no request was answered.")

    def _reason(self, rate: float) -> str:
        """How much the last word on a rate is worth."""
        if not self._evidence.failed_rates and not self._closed.is_end_known:
            return "time is up before any rate has failed: the peak may be higher"
        if rate not in self._evidence.passed:
            return "time is up before a confirmation"
        sample, slo = self._evidence.passed[rate], self.config.slo
        # A percentile needs as many requests as one of them may miss it, or it is an extrapolation.
        least = round(1 / slo.allowed_share)
        if sample.num_requests < least:
            return f"confirmed by {sample.num_requests} requests of {least} wanted"
        # A queue that only grows needs about this long to make requests late.
        if sample.seconds < slo.loosest_seconds:
            return (
                f"confirmed by {sample.seconds:.3g} s of load, "
                f"less than the SLO's {slo.loosest_seconds:g} s"
            )
        return "confirmed"

    async def _probe(self, rate: float, kind: str, share: float) -> bool:
        """Probes a rate; returns whether the SLO was met there."""
        sample = await self._sample(rate, kind, share)
        if not self._meets_slo(sample) and self._is_strained(sample):
            # What the client itself delayed may be no fault of the server, and a failure is for
            # good: once more, with the same arrivals.
            self._note(summarize(sample, kind=kind, offered_rps=rate, slo=self.config.slo))
            sample = await self._sample(rate, kind, share)
        has_met_slo = self._meets_slo(sample)
        self._evidence.add(rate, sample, has_met_slo)
        if not has_met_slo:
            self._was_strained |= self._is_strained(sample)
        self._note(
            summarize(
                sample,
                kind=kind,
                offered_rps=rate,
                slo=self.config.slo,
                has_met_slo=has_met_slo,
            )
        )
        return has_met_slo

    async def _sample(self, rate: float, kind: str, share: float) -> Sample:
        profile = self.config.profile
        longest = profile.max_probe_seconds * (2 if kind == "confirm" else 1)
        wanted = profile.probe_requests / rate * (2 if kind == "confirm" else 1)
        seconds = min(
            max(wanted, profile.min_probe_seconds, 20 * self.config.overdue_seconds), longest
        )
        seconds = max(min(seconds, share * self._seconds_to_send()), 0.1)
        opening, index = self._opening(rate), len(self._evidence.tallies)
        sample = await self.meter.open_loop(rate, seconds, index, kind, opening)
        if sample.throughput_rps > 0:
            self._since_answer.clear()
        elif sample.num_requests:
            self._since_answer.append(sample)
        return sample.after_start()

    def _meets_slo(self, sample: Sample) -> bool:
        slo = self.config.slo
        violations = sample.violations(slo)
        num_allowed = slo.allowed_share * len(violations)
        return not sample.stop_reason and int(violations.sum()) <= num_allowed

    def _opening(self, rate: float) -> Opening:
        """What brings the server to the state that it has near the root.

        A queue near its capacity takes longer to fill than a probe lasts, and an empty one makes
        the rate look sustainable. Near the root the mean wait is about the SLO divided by
        ln(1/q), and by Little's law the rate times the wait is in the queue. Those in service are
        there after one idle latency of ordinary arrivals; sent at once they would keep in step.
        """
        if math.isinf(self._closed.wait_seconds):
            return Opening(self._closed.idle_seconds)
        mean_wait = self._closed.wait_seconds / -math.log(self.config.slo.allowed_share)
        return Opening(self._closed.idle_seconds, min(round(rate * mean_wait), _MAX_QUEUED))

    def _is_strained(self, sample: Sample) -> bool:
        lag = sample.lag_p99_seconds() or 0.0
        is_late = lag > _MAX_LAG_SHARE * self.config.slo.tightest_seconds
        is_throttled = sample.strain.throttled_share > _MAX_THROTTLED_SHARE
        return is_late or is_throttled or sample.strain.cpu_share > MAX_CPU_SHARE

    def _is_client_limited(self) -> bool:
        return self._was_strained or self._closed.is_client_limited

    def _note(self, probe: Probe) -> None:
        self.probes.append(probe)
        self.on_probe(probe)
