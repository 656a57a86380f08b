"""Reports with histograms, for the tests that read results."""

from dataclasses import replace

from hdrh.histogram import HdrHistogram

from load_generator.report import LoadReport
from tests.load_generator.builders import PROBE, REPORT


def histogram(*latencies_ms: float) -> str:
    """Text of a histogram with these latencies."""
    found = HdrHistogram(1, 60_000_000, 3)
    for latency in latencies_ms:
        found.record_value(round(latency * 1000))
    return found.encode().decode()


def report_with(*rates: tuple[float, float]) -> LoadReport:
    """A report with a probe for each rate, and its latency, which all of 100 requests had."""
    probes = [
        replace(
            PROBE, kind="rate", offered_rps=rate, num_requests=100, num_violations=0,
            num_errors=0, has_met_slo=latency <= REPORT.slo_ms,
            histogram=histogram(*[latency] * 100),
        )
        for rate, latency in rates
    ]  # fmt: skip
    return replace(REPORT, probes=tuple(probes))
