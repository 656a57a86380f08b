"""One load test from the first connection to the report."""

import math
import time
from collections.abc import Callable, Sequence

from load_generator.client import open_client
from load_generator.config import LoadTestConfig
from load_generator.cost import Cost
from load_generator.errors import PayloadError, ServerNotReadyError
from load_generator.finding import Finding, not_found
from load_generator.report import LoadReport, Probe
from load_generator.sample import summarize
from load_generator.server_meter import LocalMeter, OnSnapshot, ServerMeter
from load_generator.slo_search import Search
from load_generator.snapshot import WAITING, Snapshot
from load_generator.workers import WorkerMeter


async def run_load_test(
    config: LoadTestConfig,
    cost: Cost,
    on_probe: Callable[[Probe], None],
    on_snapshot: OnSnapshot = lambda _: None,
) -> LoadReport:
    """Waits for the server, searches for the peak and reports it.

    A server that never gets ready, or a model without usable metadata, is a result (infeasible,
    with the reason), not an error: a tuner must learn from such a configuration.

    Args:
        config: What to test.
        cost: Prices of the configuration.
        on_probe: Called with each probe when it has ended.
        on_snapshot: Called some four times a second with how things stand.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    start = time.monotonic()
    wait_seconds = 0.0
    probes: list[Probe] = []
    meter: ServerMeter
    if config.processes > 1:
        meter = WorkerMeter(config, on_snapshot)
    else:
        meter = LocalMeter(open_client(config), config, on_snapshot)
    async with meter:
        on_snapshot(Snapshot(phase=WAITING))
        try:
            wait_seconds = await meter.get_ready()
        except (ServerNotReadyError, PayloadError) as error:
            finding = not_found(str(error))
            wait_seconds = time.monotonic() - start
        else:
            search = Search(config, meter, on_probe)
            finding = await search.run()
            probes = search.probes
    return _report(config, cost, finding, probes, time.monotonic() - start, wait_seconds)


def _report(
    config: LoadTestConfig,
    cost: Cost,
    finding: Finding,
    probes: Sequence[Probe],
    seconds: float,
    wait_seconds: float,
) -> LoadReport:
    price, slo, sample = cost.total(), config.slo, finding.decisive
    peak = None if sample is None else summarize(sample, kind="confirm", slo=slo)
    return LoadReport(
        peak_rps=finding.peak_rps,
        peak_rps_low=finding.low_rps,
        peak_rps_high=finding.high_rps,
        feasible=int(finding.is_feasible),
        reason=finding.reason,
        client_limited=int(finding.is_client_limited),
        latency_p50_ms=peak.latency_p50_ms if peak else None,
        latency_p90_ms=peak.latency_p90_ms if peak else None,
        latency_p99_ms=peak.latency_p99_ms if peak else None,
        ttft_p50_ms=peak.ttft_p50_ms if peak else None,
        ttft_p99_ms=peak.ttft_p99_ms if peak else None,
        tpot_p50_ms=peak.tpot_p50_ms if peak else None,
        tpot_p99_ms=peak.tpot_p99_ms if peak else None,
        output_tokens_per_second=peak.output_tokens_per_second if peak else None,
        goodput_rps=_goodput(peak) if peak else 0.0,
        error_rate=_error_rate(peak or (probes[-1] if probes else None)),
        saturation_rps=finding.saturation_rps,
        seconds=seconds,
        wait_seconds=wait_seconds,
        slo_ms=_milliseconds(slo.latency_seconds),
        slo_ttft_ms=_milliseconds(slo.ttft_seconds),
        slo_tpot_ms=_milliseconds(slo.tpot_seconds),
        slo_percentile=slo.percentile,
        cost=price,
        rps_per_dollar=finding.peak_rps / price if price else None,
        protocol=config.protocol,
        model=config.model,
        probes=tuple(probes),
    )


def _error_rate(probe: Probe | None) -> float:
    return probe.num_errors / probe.num_requests if probe and probe.num_requests else 0.0


def _goodput(probe: Probe) -> float:
    late = probe.num_violations - probe.num_errors
    return max(0.0, probe.achieved_rps - late / probe.seconds)


def _milliseconds(seconds: float) -> float | None:
    return seconds * 1000 if math.isfinite(seconds) else None
