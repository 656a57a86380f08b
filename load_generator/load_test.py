"""One load test from the first connection to the report."""

import asyncio
from collections.abc import Callable

import numpy as np

from load_generator.client import InferenceClient, ServerNotReadyError
from load_generator.closed_loop import ClosedLoop
from load_generator.config import LoadTestConfig
from load_generator.cost import Cost
from load_generator.open_loop import OpenLoop
from load_generator.payload import PayloadError
from load_generator.records import Limits
from load_generator.report import LoadReport, Probe
from load_generator.sample import Sample, summarize
from load_generator.schedule import poisson_send_times
from load_generator.slo_search import Finding, Search


class _ServerMeter:
    """Implements ``slo_search.Meter`` for a server behind a client."""

    def __init__(self, client: InferenceClient, config: LoadTestConfig) -> None:
        self._client, self._config = client, config
        self._limits = Limits(slo=config.slo, timeout_seconds=config.timeout_seconds)
        self._deadline = asyncio.get_running_loop().time() + config.max_seconds

    def seconds_left(self) -> float:
        return self._deadline - asyncio.get_running_loop().time()

    async def closed_loop(self, concurrency: int, seconds: float) -> Sample:
        send, limits = self._client.send, self._limits
        return await ClosedLoop(send, limits, concurrency=concurrency, seconds=seconds).run()

    async def open_loop(self, rate_rps: float, seconds: float, index: int) -> Sample:
        # Streams of one test are independent; those of two trials with one seed are the same.
        seed = self._config.seed * 1000 + index
        offsets = poisson_send_times(rate_rps, max(1, round(rate_rps * seconds)), seed)
        return await OpenLoop(self._client.send, self._limits, offsets).run()


async def run_load_test(
    config: LoadTestConfig, cost: Cost, on_probe: Callable[[Probe], None]
) -> LoadReport:
    """Waits for the server, searches for the peak and reports it.

    A server that never gets ready, or a model without usable metadata, is a result (infeasible,
    with the reason), not an error: a tuner must learn from such a configuration.

    Args:
        config: What to test.
        cost: Prices of the configuration.
        on_probe: Called with each probe when it has ended.
    """
    loop = asyncio.get_running_loop()
    start = loop.time()
    wait_seconds = 0.0
    probes: list[Probe] = []
    async with InferenceClient(config) as client:
        try:
            wait_seconds = await client.wait_until_ready()
            await client.prepare()
        except (ServerNotReadyError, PayloadError) as error:
            finding = _not_measured(str(error))
            wait_seconds = loop.time() - start
        else:
            search = Search(config, _ServerMeter(client, config), on_probe)
            finding = await search.run()
            probes = search.probes
    return _report(config, cost, finding, probes, loop.time() - start, wait_seconds)


def _not_measured(reason: str) -> Finding:
    return Finding(
        peak_rps=0.0,
        low_rps=0.0,
        high_rps=0.0,
        is_feasible=False,
        reason=reason,
        is_client_limited=False,
        saturation_rps=None,
        decisive=None,
    )


def _report(
    config: LoadTestConfig,
    cost: Cost,
    finding: Finding,
    probes: list[Probe],
    seconds: float,
    wait_seconds: float,
) -> LoadReport:
    price = cost.total()
    sample = finding.decisive
    at_peak = sample and summarize(sample, kind="confirm", slo=config.slo)
    if sample is not None:
        error_rate = float(np.mean(sample.is_error))
    else:
        last = probes[-1] if probes else None
        error_rate = last.num_errors / last.num_requests if last and last.num_requests else 0.0
    return LoadReport(
        peak_rps=finding.peak_rps,
        peak_rps_low=finding.low_rps,
        peak_rps_high=finding.high_rps,
        feasible=int(finding.is_feasible),
        reason=finding.reason,
        client_limited=int(finding.is_client_limited),
        latency_p50_ms=at_peak.latency_p50_ms if at_peak else None,
        latency_p90_ms=at_peak.latency_p90_ms if at_peak else None,
        latency_p99_ms=at_peak.latency_p99_ms if at_peak else None,
        error_rate=error_rate,
        saturation_rps=finding.saturation_rps,
        seconds=seconds,
        wait_seconds=wait_seconds,
        slo_ms=config.slo_ms,
        slo_percentile=config.slo_percentile,
        cost=price,
        rps_per_dollar=finding.peak_rps / price if price else None,
        protocol=config.protocol,
        model=config.model,
        probes=tuple(probes),
    )
