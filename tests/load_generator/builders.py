"""Configurations and reports for tests."""

from dataclasses import replace

from load_generator.config import PROFILES, LoadTestConfig
from load_generator.report import LoadReport, Probe

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
    has_met_slo=True,
    stop_reason="",
    schedule_lag_p99_ms=0.5,
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
    error_rate=0.002,
    saturation_rps=120.0,
    seconds=30.0,
    wait_seconds=2.0,
    slo_ms=50.0,
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
)


def config(**changes: object) -> LoadTestConfig:
    fields = {
        "url": "http://127.0.0.1:9",
        "protocol": "http",
        "model": "",
        "payload": None,
        "slo_ms": 50.0,
        "slo_percentile": 99.0,
        "profile": PROFILES["quick"],
        "max_seconds": PROFILES["quick"].max_seconds,
        "ready_seconds": 1.0,
        "seed": 0,
    }
    return LoadTestConfig(**{**fields, **changes})  # type: ignore[arg-type]
