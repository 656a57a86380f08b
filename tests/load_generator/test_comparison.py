"""Comparing two results: the ratio, its interval, and the sentence that follows."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_generator.comparison import Ratio, is_worse, peak_ratio, rows, verdict
from load_generator.report import LoadReport
from tests.load_generator.builders import INFEASIBLE, REPORT
from tests.load_generator.results import report_with


def with_peak(peak: float, low: float, high: float, **more: object) -> LoadReport:
    changes = {"peak_rps": peak, "peak_rps_low": low, "peak_rps_high": high, **more}
    return replace(REPORT, **changes)  # type: ignore[arg-type]


def exact(peak: float, **more: object) -> LoadReport:
    """A peak that is known to a millionth."""
    return with_peak(peak, peak * (1 - 1e-6), peak * (1 + 1e-6), **more)


def test_ratio_of_two_even_intervals():
    # Both widths are ln 1.1, so together sqrt(2) ln 1.1.
    ratio = peak_ratio(with_peak(100, 100 / 1.1, 110), with_peak(120, 120 / 1.1, 132))
    assert ratio is not None
    assert ratio.value == pytest.approx(1.2)
    assert ratio.high == pytest.approx(1.2 * 1.1 ** math.sqrt(2))
    assert ratio.low == pytest.approx(1.2 / 1.1 ** math.sqrt(2))


def test_a_half_that_was_cut_off_counts_in_full():
    # The peak stands at the lower end of its interval: 3 and 4 percent make 5.
    ratio = peak_ratio(
        with_peak(100, 100, 100 * math.exp(0.03)), with_peak(100, 100 * math.exp(-0.04), 100)
    )
    assert ratio == Ratio(1.0, pytest.approx(math.exp(-0.05)), pytest.approx(math.exp(0.05)))


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(1)
    sigma_a, sigma_b, truth, covered = 0.03, 0.05, 1.1, 0
    for _ in range(2000):
        a, b = 100 * math.exp(rng.normal(0, sigma_a)), 110 * math.exp(rng.normal(0, sigma_b))
        ratio = peak_ratio(
            *(
                with_peak(x, x * math.exp(-1.96 * s), x * math.exp(1.96 * s))
                for x, s in ((a, sigma_a), (b, sigma_b))
            )
        )
        assert ratio is not None
        covered += ratio.low <= truth <= ratio.high
    # 95 % of 2000, and four standard deviations of that on either side.
    assert covered / 2000 == pytest.approx(0.95, abs=0.02)


positive = st.floats(1e-300, 1e300)


@given(peaks=st.lists(st.tuples(positive, positive, positive).map(sorted), min_size=2, max_size=2))
def test_any_two_intervals_give_a_ratio(peaks: list[list[float]]):
    a, b = (with_peak(peak, low, high) for low, peak, high in peaks)
    ratio = peak_ratio(a, b)
    assert ratio is not None
    assert 0 <= ratio.low <= ratio.value <= ratio.high


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        # Widths ln(1/0.97) and ln(116/112), together 0.0465.
        (with_peak(100, 97, 103), with_peak(112, 109, 116),
         "B is higher by 12 % (95 % interval 6.9 to 17)."),
        # Widths ln(1/0.99) and ln(80/79), together 0.0161.
        (with_peak(100, 99, 101), with_peak(80, 79, 81),
         "B is lower by 20 % (95 % interval 19 to 21)."),
        (exact(100), exact(104), "B is higher by 4.0 % (95 % interval 4.0 to 4.0)."),
        # Widths ln(1/0.95) and ln(102/98), together 0.0651.
        (with_peak(100, 95, 104), with_peak(102, 98, 106),
         "no difference shown: B/A is 1.020 (95 % interval 0.956 to 1.089)."),
        (REPORT, replace(REPORT, slo_ms=40.0),
         "not comparable: different slo_ms (50.0 and 40.0)."),
        (REPORT, replace(REPORT, slo_percentile=95.0, model="n"),
         "not comparable: different slo_percentile (99.0 and 95.0), different model "
         "('m' and 'n')."),
        (REPORT, replace(REPORT, protocol="http"),
         "not comparable: different protocol ('v2-rest' and 'http')."),
        (REPORT, INFEASIBLE, "B is infeasible: Every request failed."),
        (INFEASIBLE, REPORT, "A is infeasible: Every request failed."),
        (exact(100), exact(120, client_limited=1),
         "B is higher by 20 % (95 % interval 20 to 20). The load generator was the limit in B: "
         "the true peak there may be higher."),
    ],
)  # fmt: skip
def test_verdicts(first: LoadReport, second: LoadReport, text: str):
    assert verdict(first, second) == text


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (exact(100), exact(96), False),
        (exact(100), exact(94), True),
        (exact(100), with_peak(94, 90, 98), False),
        (REPORT, INFEASIBLE, True),
        (INFEASIBLE, REPORT, False),
        (INFEASIBLE, INFEASIBLE, True),
        (REPORT, replace(REPORT, slo_ms=40.0), True),
    ],
)
def test_the_gate(first: LoadReport, second: LoadReport, expected: bool):
    assert is_worse(first, second, 0.95) is expected


def test_the_table_of_two_reports():
    table = {row[0]: row[1:] for row in rows(REPORT, with_peak(150, 140, 160, seconds=60.0))}
    assert table["SLO"] == ("p99 ≤ 50 ms", "p99 ≤ 50 ms", "")
    assert table["peak (rps)"] == ("100.0", "150.0", "1.500")
    assert table["  95 % interval"][:2] == ("95.0 to 104.0", "140.0 to 160.0")
    assert table["latency p99 (ms)"] == ("20.0", "20.0", "1.000")
    assert table["seconds"] == ("30.0", "60.0", "2.000")
    assert table["client limited"] == ("no", "no", "")
    assert "no probes at one rate (within 2 %)" in table


def test_the_table_of_an_infeasible_report():
    table = {row[0]: row[1:] for row in rows(REPORT, INFEASIBLE)}
    assert table["peak (rps)"] == ("100.0", "infeasible", "-")
    assert table["latency p99 (ms)"] == ("20.0", "-", "-")


def test_latencies_at_a_common_rate():
    first = report_with((100.0, 10.0), (120.0, 40.0))
    second = report_with((101.0, 20.0), (150.0, 90.0))
    table = rows(first, second)
    start = [row[0] for row in table].index("at a rate of (rps)")
    assert table[start] == ("at a rate of (rps)", "100.0", "101.0", "")
    assert table[start + 1 : start + 4] == [
        (f"  latency p{p} (ms)", "10.0", "20.0", "2.000") for p in (50, 90, 99)
    ]
    assert len(table) == start + 5
