"""What one stretch of load has shown: raw records of requests, and their summary as a probe."""

from dataclasses import dataclass

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from load_generator.report import Probe
from load_generator.slo import Slo

# Latencies are kept in microseconds up to the longest timeout (60 s), to three digits.
_HIGHEST_MICROSECONDS = 60_000_000
_SIGNIFICANT_DIGITS = 3


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Requests of one stretch of load, in the order in which they were due.

    Attributes:
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
        stop_reason: Why it ended early; empty when it ran to the end.
        client_cpu_share: CPU time of this process divided by the duration.
        last_error: Text of the last failure; empty without any.
    """

    latency_seconds: NDArray[np.float64]
    is_error: NDArray[np.bool_]
    ttft_seconds: NDArray[np.float64]
    tpot_seconds: NDArray[np.float64]
    lag_seconds: NDArray[np.float64]
    seconds: float
    throughput_rps: float
    output_tokens: int = 0
    stop_reason: str = ""
    client_cpu_share: float = 0.0
    last_error: str = ""

    @property
    def num_requests(self) -> int:
        return len(self.latency_seconds)

    def violations(self, slo: Slo) -> NDArray[np.bool_]:
        """Whether each request missed the SLO, shape ``[n]``; errors always do."""
        times = self.latency_seconds, self.ttft_seconds, self.tpot_seconds
        return self.is_error | slo.is_missed(*times)

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
    histogram = HdrHistogram(1, _HIGHEST_MICROSECONDS, _SIGNIFICANT_DIGITS)
    for microseconds in np.clip(sample.latency_seconds * 1e6, 1, _HIGHEST_MICROSECONDS):
        histogram.record_value(int(microseconds))
    percentiles = [
        histogram.get_value_at_percentile(percentile) / 1000 if sample.num_requests else None
        for percentile in (50, 90, 99)
    ]
    lag = sample.lag_p99_seconds()
    return Probe(
        kind=kind,
        offered_rps=offered_rps,
        concurrency=concurrency,
        seconds=sample.seconds,
        num_requests=sample.num_requests,
        num_violations=int(sample.violations(slo).sum()),
        num_errors=int(sample.is_error.sum()),
        achieved_rps=sample.throughput_rps,
        latency_p50_ms=percentiles[0],
        latency_p90_ms=percentiles[1],
        latency_p99_ms=percentiles[2],
        has_met_slo=has_met_slo,
        stop_reason=sample.stop_reason,
        schedule_lag_p99_ms=None if lag is None else lag * 1000,
        histogram=histogram.encode().decode() if sample.num_requests else "",
    )
