"""Latency against rate as a result file tells it."""

import base64
import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_generator.latency_curve import matching_points, open_loop_probes, rate_points
from load_generator.report import ReportError
from tests.load_generator.builders import PROBE, REPORT
from tests.load_generator.results import report_with


def test_points_are_the_open_loop_probes_in_order_of_rate():
    closed = replace(PROBE, kind="saturation", offered_rps=None, concurrency=4)
    report = report_with((120.0, 40.0), (100.0, 10.0))
    report = replace(report, probes=(closed, *report.probes))
    points = rate_points(report)
    assert [point.rate_rps for point in points] == [100.0, 120.0]
    assert [point.latency_ms(99) for point in points] == pytest.approx([10, 40], rel=1e-3)


def test_probes_at_one_rate_are_put_together():
    # 100 requests of 10 ms and 100 of 30 ms: 10 up to the median, 30 above it.
    (point,) = rate_points(report_with((100.0, 10.0), (101.0, 30.0)))
    assert (point.rate_rps, point.num_requests) == (100.5, 200)
    assert point.latency_ms(50) == pytest.approx(10, rel=1e-3)
    assert point.latency_ms(51) == pytest.approx(30, rel=1e-3)


def test_a_chain_of_near_rates_is_not_one_rate():
    points = rate_points(report_with((100.0, 1.0), (101.5, 1.0), (103.0, 1.0), (104.5, 1.0)))
    assert [point.rate_rps for point in points] == pytest.approx([100.75, 103.75])


def test_a_probe_without_answers_is_left_out():
    assert open_loop_probes(REPORT) == []
    assert rate_points(REPORT) == []


def test_a_probe_without_a_verdict_says_nothing_of_the_server():
    counted = report_with((100.0, 10.0), (120.0, 40.0))
    spoiled = replace(counted.probes[1], has_met_slo=None)
    report = replace(counted, probes=(counted.probes[0], spoiled))
    assert [point.rate_rps for point in rate_points(report)] == [100.0]


def test_each_point_is_matched_once_and_within_two_percent():
    first = report_with((100.0, 1.0), (110.0, 1.0), (200.0, 1.0))
    second = report_with((101.9, 1.0), (150.0, 1.0), (197.0, 1.0))
    pairs = [(a.rate_rps, b.rate_rps) for a, b in matching_points(first, second)]
    assert pairs == [(100.0, 101.9), (200.0, 197.0)]


@pytest.mark.parametrize("text", ["x", "HISTFAAAAC14nJNpmSzMwMDAxQABzFDaCUTC", "eHh4" * 20, "ä"])
def test_a_broken_histogram_is_refused(text: str):
    report = report_with((100.0, 10.0))
    broken = replace(report, probes=(replace(report.probes[0], histogram=text),))
    with pytest.raises(ReportError, match="must be a compressed HdrHistogram V2"):
        rate_points(broken)


@given(data=st.data())
def test_a_histogram_of_any_bytes_is_read_or_refused(data: st.DataObject):
    report = report_with((100.0, 10.0))
    good = bytearray(base64.b64decode(report.probes[0].histogram))
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    text = base64.b64encode(good).decode()
    given = replace(report, probes=(replace(report.probes[0], histogram=text),))
    with contextlib.suppress(ReportError):
        (point,) = rate_points(given)
        assert point.histogram.total_count == 100


def test_a_histogram_of_other_requests_is_refused():
    report = report_with((100.0, 10.0))
    other = replace(report, probes=(replace(report.probes[0], num_requests=99),))
    with pytest.raises(ReportError, match="must hold the 99 requests of its probe, but holds 100"):
        rate_points(other)
