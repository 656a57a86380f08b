"""What one stretch of load has shown: raw records of requests, and their summary as a probe."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from load_generator.report import Probe
from load_generator.slo import Slo
from load_generator.strain import Strain

# Latencies are kept in microseconds up to ten minutes, to three digits.
_HIGHEST_MICROSECONDS = 600_000_000
_SIGNIFICANT_DIGITS = 3


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Requests of one stretch of load, in the order in which they were due.

    Attributes:
        due_seconds: Scheduled instants since the start of the stretch, or those of sending in a
            closed loop, shape ``[n]``.
        latency_seconds: From the scheduled instant to the full answer, shape ``[n]``; the timeout
            for a failed request, the age for one that was given up.
        is_error: Whether the request failed, shape ``[n]``.
        ttft_seconds: From the scheduled instant to the first token, shape ``[n]``; NaN where the
            answer was not streamed, or failed.
        tpot_seconds: Mean time per output token after the first, shape ``[n]``, likewise.
        output_tokens: Tokens of all answers together.
        lag_seconds: How late the client sent, shape ``[n]``; empty in a closed loop.
        seconds: Duration of the stretch.
        throughput_rps: Correct answers a second.
        throughput_error: Its relative standard error in a closed loop.
        stop_reason: Why it ended early; empty when it ran to the end.
        strain: What the client's machine did to it meanwhile.
        last_error: Text of the last failure; empty without any.
    """

    due_seconds: NDArray[np.float64]
    latency_seconds: NDArray[np.float64]
    is_error: NDArray[np.bool_]
    ttft_seconds: NDArray[np.float64]
    tpot_seconds: NDArray[np.float64]
    lag_seconds: NDArray[np.float64]
    seconds: float
    throughput_rps: float
    throughput_error: float = 0.0
    output_tokens: int = 0
    stop_reason: str = ""
    strain: Strain = field(default_factory=Strain)
    last_error: str = ""

    @property
    def num_requests(self) -> int:
        return len(self.latency_seconds)

    def violations(self, slo: Slo) -> NDArray[np.bool_]:
        """Whether each request missed the SLO, shape ``[n]``; errors always do."""
        times = self.latency_seconds, self.ttft_seconds, self.tpot_seconds
        return self.is_error | slo.is_missed(*times)

    def after_start(self) -> "Sample":
        """Without the requests that were due at the very start of an open loop."""
        keep = self.due_seconds > 0
        good = np.count_nonzero(~self.is_error)
        kept_share = np.count_nonzero(keep & ~self.is_error) / max(1, good)
        return dataclasses.replace(
            self,
            throughput_rps=self.throughput_rps * kept_share,
            output_tokens=round(self.output_tokens * kept_share),
            due_seconds=self.due_seconds[keep],
            latency_seconds=self.latency_seconds[keep],
            is_error=self.is_error[keep],
            ttft_seconds=self.ttft_seconds[keep],
            tpot_seconds=self.tpot_seconds[keep],
            lag_seconds=self.lag_seconds[keep] if len(self.lag_seconds) else self.lag_seconds,
        )

    def lag_p99_seconds(self) -> float | None:
        """99th percentile of the client's own delay; None in a closed loop."""
        return float(np.percentile(self.lag_seconds, 99)) if len(self.lag_seconds) else None


def summarize(
    sample: Sample,
    *,
    kind: str,
    slo: Slo,
    offered_rps: float | None = None,
    concurrency: int | None = None,
    has_met_slo: bool | None = None,
) -> Probe:
    """Turns a sample into the probe that the result file keeps."""
    histogram = _histogram(sample.latency_seconds)
    latency = _latency_percentiles(histogram)
    ttft, tpot = _percentiles(sample.ttft_seconds), _percentiles(sample.tpot_seconds)
    is_streamed, lag = bool(sample.output_tokens), sample.lag_p99_seconds()
    return Probe(
        kind=kind,
        offered_rps=offered_rps,
        concurrency=concurrency,
        seconds=sample.seconds,
        num_requests=sample.num_requests,
        num_violations=int(sample.violations(slo).sum()),
        num_errors=int(sample.is_error.sum()),
        achieved_rps=sample.throughput_rps,
        latency_p50_ms=latency[50],
        latency_p90_ms=latency[90],
        latency_p99_ms=latency[99],
        ttft_p50_ms=ttft[50],
        ttft_p99_ms=ttft[99],
        tpot_p50_ms=tpot[50],
        tpot_p99_ms=tpot[99],
        output_tokens_per_second=sample.output_tokens / sample.seconds if is_streamed else None,
        has_met_slo=has_met_slo,
        stop_reason=sample.stop_reason,
        schedule_lag_p99_ms=None if lag is None else lag * 1000,
        client_cpu_share=sample.strain.cpu_share,
        client_throttled_share=sample.strain.throttled_share,
        client_loop_lag_ms=sample.strain.loop_lag_seconds * 1000,
        histogram=histogram.encode().decode() if sample.num_requests else "",
    )


def _percentiles(seconds: NDArray[np.float64]) -> dict[int, float | None]:
    """Percentiles in milliseconds of what is known; None where nothing is."""
    known = seconds[~np.isnan(seconds)] * 1000
    return {p: float(np.percentile(known, p)) if len(known) else None for p in (50, 90, 99)}


def _latency_percentiles(histogram: HdrHistogram) -> dict[int, float | None]:
    """Percentiles in milliseconds, as a reader of the file finds them."""
    is_empty = not histogram.get_total_count()
    return {
        p: None if is_empty else histogram.get_value_at_percentile(p) / 1000 for p in (50, 90, 99)
    }


def _histogram(seconds: NDArray[np.float64]) -> HdrHistogram:
    histogram = HdrHistogram(1, _HIGHEST_MICROSECONDS, _SIGNIFICANT_DIGITS)
    microseconds = np.clip(seconds * 1e6, 1, _HIGHEST_MICROSECONDS).astype(np.int64)
    for value, count in zip(*np.unique(microseconds, return_counts=True), strict=True):
        histogram.record_value(int(value), int(count))
    return histogram


def merged(samples: Sequence[Sample]) -> Sample:
    """One sample of what several processes have sent at the same time.

    Args:
        samples: At least one.
    """
    due = np.concatenate([sample.due_seconds for sample in samples])
    order = np.argsort(due, kind="stable")
    rates = [sample.throughput_rps for sample in samples]
    errors = [sample.throughput_error * sample.throughput_rps for sample in samples]
    has_lags = all(len(sample.lag_seconds) == sample.num_requests for sample in samples)

    def joined(name: str) -> NDArray[Any]:
        parts: list[NDArray[Any]] = [getattr(sample, name) for sample in samples]
        values: NDArray[Any] = np.concatenate(parts)[order]
        return values

    return Sample(
        due_seconds=due[order],
        latency_seconds=joined("latency_seconds"),
        is_error=joined("is_error"),
        ttft_seconds=joined("ttft_seconds"),
        tpot_seconds=joined("tpot_seconds"),
        lag_seconds=joined("lag_seconds") if has_lags else np.empty(0),
        seconds=max(sample.seconds for sample in samples),
        throughput_rps=sum(rates),
        throughput_error=math.hypot(*errors) / max(1e-9, sum(rates)),
        output_tokens=sum(sample.output_tokens for sample in samples),
        stop_reason=next((s.stop_reason for s in samples if s.stop_reason), ""),
        strain=reduce(Strain.joined, [sample.strain for sample in samples]),
        last_error=next((s.last_error for s in samples if s.last_error), ""),
    )
