import pytest

from benchmarks.load_generator.bisection import Window, doubled_then_bisected, search


def _tried(
    first: float, peak: float, tolerance: float, step: float = 0
) -> tuple[list[float], float]:
    loads = doubled_then_bisected(first, tolerance, step)
    tried = [next(loads)]
    while True:
        try:
            tried.append(loads.send(tried[-1] <= peak))
        except StopIteration as end:
            return tried, end.value


def test_doubles_then_bisects() -> None:
    tried, peak = _tried(10, peak=50, tolerance=0.1)
    assert tried == [10, 20, 40, 80, 60, 50, 55]
    assert peak == 50


def test_whole_numbers() -> None:
    tried, peak = _tried(1, peak=11, tolerance=0.02, step=1)
    assert tried == [1, 2, 4, 8, 16, 12, 10, 11]
    assert peak == 11


def test_gives_up_where_nothing_holds() -> None:
    tried, peak = _tried(100, peak=0, tolerance=0.02)
    assert peak == 0
    assert len(tried) < 15


def test_adds_up_what_it_cost() -> None:
    def measure(load: float) -> Window:
        # A closed loop: beyond the peak its throughput grows no more.
        return Window(load <= 5, 100 * min(load, 6), 10, 0.5, 2.0, 1.0)

    found = search(measure, first=1, step=1)
    assert found.peak_rps == 500
    assert found.num_requests == 60  # 1, 2, 4, 8, 6, 5
    assert found.cpu_seconds == pytest.approx(3.0)
    assert found.seconds == pytest.approx(12.0)
