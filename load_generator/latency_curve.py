"""Latency against offered rate, read from the histograms of a result file."""

import zlib
from dataclasses import dataclass

from hdrh.codec import HdrCookieException, HdrLengthException
from hdrh.histogram import HdrHistogram

from load_generator.report import LoadReport, Probe, ReportError

# Probes whose rates differ by less count as one: this is below what a quick test can tell apart.
SAME_RATE = 0.02
# What decoding raises; an IndexError when the counts do not fit into the stated range.
_BROKEN = (HdrCookieException, HdrLengthException, IndexError, ValueError, zlib.error)


@dataclass(frozen=True, kw_only=True)
class RatePoint:
    """Open-loop probes at one offered rate, up to ``SAME_RATE``.

    Attributes:
        rate_rps: Mean offered rate, weighted with the requests.
        num_requests: Requests of all its probes.
        num_violations: Of these, how many missed the SLO.
        histogram: Their latencies in microseconds.
    """

    rate_rps: float
    num_requests: int
    num_violations: int
    histogram: HdrHistogram

    def latency_ms(self, percentile: float) -> float:
        return float(self.histogram.get_value_at_percentile(percentile)) / 1000


def open_loop_probes(report: LoadReport) -> list[tuple[float, Probe]]:
    """Probes of a verdict that offered a rate and got answers; with that rate, in its order."""
    probes = [
        (p.offered_rps, p)
        for p in report.probes
        if p.offered_rps and p.num_requests and p.histogram and p.has_met_slo is not None
    ]
    return sorted(probes, key=lambda pair: pair[0])


def rate_points(report: LoadReport) -> list[RatePoint]:
    """The curve of a report: its open-loop probes, those at one rate put together.

    Raises:
        ReportError: a histogram cannot be read.
    """
    probes = open_loop_probes(report)
    groups: list[list[Probe]] = [[probes[0][1]]] if probes else []
    first = probes[0][0] if probes else 0.0
    for rate, probe in probes[1:]:
        if rate <= first * (1 + SAME_RATE):
            groups[-1].append(probe)
        else:
            groups.append([probe])
            first = rate
    return [_point(group) for group in groups]


def matching_points(first: LoadReport, second: LoadReport) -> list[tuple[RatePoint, RatePoint]]:
    """Points of two curves at one rate, up to ``SAME_RATE``, each at most once.

    Raises:
        ReportError: a histogram cannot be read.
    """
    rest = rate_points(second)
    pairs = []
    for point in rate_points(first):
        near = min(rest, key=lambda other: abs(other.rate_rps - point.rate_rps), default=None)
        if near and abs(near.rate_rps - point.rate_rps) <= SAME_RATE * point.rate_rps:
            pairs.append((point, near))
            rest.remove(near)
    return pairs


def histogram_of(probe: Probe) -> HdrHistogram:
    """The latencies of a probe in microseconds.

    Raises:
        ReportError: the text is no histogram.
    """
    try:
        histogram = HdrHistogram.decode(probe.histogram)
    except _BROKEN as error:
        raise ReportError(
            "histogram must be a compressed HdrHistogram V2 in base64, "
            f"but got {probe.histogram!r:.40}: {type(error).__name__}."
        ) from None
    if histogram.total_count != probe.num_requests:
        raise ReportError(
            f"histogram must hold the {probe.num_requests} requests of its probe, "
            f"but holds {histogram.total_count}."
        )
    return histogram


def _point(probes: list[Probe]) -> RatePoint:
    histogram = histogram_of(probes[0])
    for probe in probes[1:]:
        histogram.add(histogram_of(probe))
    num_requests = sum(probe.num_requests for probe in probes)
    weighted = sum((probe.offered_rps or 0.0) * probe.num_requests for probe in probes)
    return RatePoint(
        rate_rps=weighted / num_requests,
        num_requests=num_requests,
        num_violations=sum(probe.num_violations for probe in probes),
        histogram=histogram,
    )
