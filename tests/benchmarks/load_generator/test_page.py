from pathlib import Path

import pytest

from benchmarks.load_generator.client_page import cost_section, stall_section
from benchmarks.load_generator.figures import figures_of
from benchmarks.load_generator.page import all_figures, table, truths_of, write_page
from benchmarks.load_generator.results import ClosedLoop, Stall, Window
from benchmarks.load_generator.truth import Truth, exact
from tests.benchmarks.load_generator.builders import measurement


def test_figures_of_known_runs() -> None:
    intervals = [(150.0, 201.0), (201.0, 250.0), (170.0, 199.0), (100.0, 300.0)]
    peaks = [180.0, 220.0, 190.0, 230.0]
    runs = [
        measurement(repeat=n, peak_rps=peak, interval=interval)
        for n, (peak, interval) in enumerate(zip(peaks, intervals, strict=True))
    ]
    figures = figures_of(runs, exact(200.0))
    assert figures.num_runs == 4
    assert figures.bias == pytest.approx(0.025)  # -10 %, +10 %, -5 %, +15 %
    assert figures.spread == pytest.approx((0.0425 / 3) ** 0.5)
    assert figures.bias_error == pytest.approx(figures.spread / 2)
    assert figures.worst == pytest.approx(0.15)
    assert figures.coverage == 0.5
    assert figures.interval_width == pytest.approx((51 + 49 + 29 + 200) / 4 / 200)
    assert figures.cpu_ms == pytest.approx(0.5)
    # A truth that is only known to 1 rps: intervals that miss it by no more hold it.
    assert figures_of(runs, Truth(200.0, 1.0, 198.0, 202.0)).coverage == 1


def test_a_row_for_each_method_and_gaps_where_nothing_is_known() -> None:
    searches = [
        measurement(repeat=1, peak_rps=210.0, interval=(190.0, 220.0)),
        measurement(repeat=2, peak_rps=210.0, interval=(205.0, 225.0)),
        measurement(method="wrk", peak_rps=220.0),
        measurement(case="mlserver", method="quick"),
    ]
    figures = all_figures(searches, {"fixed-200": exact(200.0)})
    assert list(figures) == ["fixed-200"]
    assert list(table(figures["fixed-200"]))[2:] == [
        "| quick | 2 | +5.0% ± 0.0% | 0.0% | +5.0% | 50% | 12% | 60 | 0.500 |",
        "| wrk | 1 | +10.0% |  | +10.0% |  |  | 60 | 0.500 |",
    ]


def test_truth_of_a_real_server_comes_from_windows() -> None:
    windows = [
        Window("mlserver", n, rate, 60.0, 9999, late, 0.0)
        for n, (rate, late) in enumerate([(90.0, 1), (100.0, 99), (110.0, 2000)] * 10)
    ]
    truths = truths_of(windows)
    assert truths["fixed-200"] == exact(200)
    assert truths["mlserver"].peak_rps == pytest.approx(100, rel=0.002)
    assert "triton" not in truths


def test_page_holds_what_was_measured(tmp_path: Path) -> None:
    searches = [measurement(case="fixed-200", peak_rps=198.0), measurement(case="triton")]
    loops = [ClosedLoop("wrk", 1, 1000, 10.0, 0.1), ClosedLoop("wrk", 2, 3000, 10.0, 0.1)]
    stalls = [Stall("hey", "4 workers", 1, 8.0, 500), Stall("hey", "4 workers", 2, 10.0, 700)]
    text = write_page(tmp_path, searches, [], loops, stalls).read_text()
    assert "True peak 200 rps." in text
    assert "| quick | 1 | -1.0% |" in text
    assert "The true peak of triton is not measured yet" in text
    assert "| wrk | 2 | 200 | 20,000 |" in text
    assert "| hey: 4 workers | 2 | 600 | 9 | 8 | 10 |" in text
    assert (tmp_path / "peaks.png").stat().st_size > 0


def test_no_section_without_measurements() -> None:
    assert cost_section([]) == stall_section([]) == ""
