"""Configurations, samples and reports for tests."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from load_generator.config import LoadTestConfig
from load_generator.payload import Payloads
from load_generator.profile import PROFILES
from load_generator.report import LoadReport, Probe
from load_generator.sample import Sample
from load_generator.slo import Slo

PROBE = Probe(
    kind="confirm",
    offered_rps=100.0,
    concurrency=None,
    seconds=5.0,
    num_requests=500,
    num_violations=3,
    num_errors=1,
    achieved_rps=99.5,
    latency_p50_ms=5.0,
    latency_p90_ms=8.0,
    latency_p99_ms=20.0,
    ttft_p50_ms=None,
    ttft_p99_ms=None,
    tpot_p50_ms=None,
    tpot_p99_ms=None,
    output_tokens_per_second=None,
    has_met_slo=True,
    stop_reason="",
    schedule_lag_p99_ms=0.5,
    client_cpu_share=0.2,
    client_throttled_share=0.0,
    client_loop_lag_ms=1.0,
    histogram="",
)

REPORT = LoadReport(
    peak_rps=100.0,
    peak_rps_low=95.0,
    peak_rps_high=104.0,
    feasible=1,
    reason="confirmed",
    client_limited=0,
    latency_p50_ms=5.0,
    latency_p90_ms=8.0,
    latency_p99_ms=20.0,
    ttft_p50_ms=None,
    ttft_p99_ms=None,
    tpot_p50_ms=None,
    tpot_p99_ms=None,
    output_tokens_per_second=None,
    goodput_rps=99.0,
    error_rate=0.002,
    saturation_rps=120.0,
    seconds=30.0,
    wait_seconds=2.0,
    slo_ms=50.0,
    slo_ttft_ms=None,
    slo_tpot_ms=None,
    slo_percentile=99.0,
    cost=0.5,
    rps_per_dollar=200.0,
    protocol="v2-rest",
    model="m",
    probes=(PROBE,),
)

INFEASIBLE = replace(
    REPORT,
    peak_rps=0.0,
    peak_rps_low=0.0,
    peak_rps_high=0.0,
    feasible=0,
    reason="Every request failed.",
    latency_p50_ms=None,
    latency_p90_ms=None,
    latency_p99_ms=None,
    rps_per_dollar=0.0,
    goodput_rps=0.0,
)


def config(**changes: object) -> LoadTestConfig:
    """A configuration; ``slo_ms``, ``slo_percentile`` and ``payload`` are short for others."""
    slo = Slo(
        latency_seconds=float(changes.pop("slo_ms", 50.0)) / 1000,  # type: ignore[arg-type]
        percentile=float(changes.pop("slo_percentile", 99.0)),  # type: ignore[arg-type]
    )
    payload = changes.pop("payload", None)
    fields = {
        "url": "http://127.0.0.1:9",
        "protocol": "http",
        "model": "",
        "payloads": None if payload is None else Payloads((payload,)),
        "slo": slo,
        "profile": PROFILES["quick"],
        "max_seconds": PROFILES["quick"].max_seconds,
        "ready_seconds": 1.0,
        "seed": 0,
    }
    return LoadTestConfig(**{**fields, **changes})  # type: ignore[arg-type]


def answers(latency: NDArray[np.float64], rate: float) -> Sample:
    """Correct answers, not streamed, to requests that were all sent on time.

    Args:
        latency: Latencies in seconds.
        rate: Of requests and of answers a second.
    """
    count = len(latency)
    return Sample(
        due_seconds=np.arange(1.0, count + 1),
        latency_seconds=latency,
        is_error=np.zeros(count, dtype=np.bool_),
        ttft_seconds=np.full(count, np.nan),
        tpot_seconds=np.full(count, np.nan),
        lag_seconds=np.zeros(count),
        seconds=count / rate,
        throughput_rps=rate,
    )
