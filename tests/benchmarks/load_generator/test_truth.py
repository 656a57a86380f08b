import math

import numpy as np
import pytest

from benchmarks.load_generator.results import Window
from benchmarks.load_generator.truth import LEAST_WINDOWS, crossing, exact, from_windows


def _late(share: float, count: float) -> float:
    """Late requests of which ``crossing`` makes this share: it adds half a one."""
    return share * (count + 1) - 0.5


def test_a_point_on_the_line_is_the_root() -> None:
    rates, counts = np.array([120.0, 100, 80]), np.full(3, 9999.0)
    late = np.array([_late(s, 9999) for s in (0.2, 0.01, 0.0001)])
    assert crossing(rates, counts, late, 0.01) == pytest.approx(100)


def test_interpolates_the_logit_in_the_logarithm_of_the_rate() -> None:
    # Odds of 1/9900 and 1/0.99: 1/99, the odds of 1 %, is their geometric mean.
    rates, counts = np.array([100.0, 144]), np.full(2, 1e6)
    odds = np.array([1 / 9900, 1 / 0.99])
    late = np.array([_late(s, 1e6) for s in odds / (1 + odds)])
    assert crossing(rates, counts, late, 0.01) == pytest.approx(120)


def test_windows_that_contradict_each_other_are_pooled() -> None:
    # 2 % at 100 and 0 % at 121 make 1 % at their mean, 110.
    rates, counts = np.array([50.0, 100, 121, 200]), np.full(4, 1e5)
    late = np.array([_late(s, 1e5) for s in (1e-5, 0.02, 0.0, 0.9)])
    late[2] = 0 - 0.5
    assert crossing(rates, counts, late, 0.01) == pytest.approx(110)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_no_root_on_one_side(share: float) -> None:
    rates, counts = np.array([100.0, 110]), np.full(2, 1000.0)
    assert math.isnan(crossing(rates, counts, counts * share, 0.01))


def _windows(num_rounds: int) -> list[Window]:
    """Windows of a server whose odds of a late request are 1/99 at 100 rps and grow as rate^60."""
    source = np.random.default_rng(0)
    found = []
    for repeat in range(num_rounds):
        for rate in (94.0, 97, 100, 103, 106):
            odds = (rate / 100) ** 60 / 99
            late = int(source.binomial(6000, odds / (1 + odds)))
            found.append(Window("mlserver", repeat, rate, 60.0, 6000, late, 0.001))
    return found


def test_bootstrap_says_how_sure_it_is() -> None:
    few, many = from_windows(_windows(2)), from_windows(_windows(20))
    assert few is not None
    assert many is not None
    assert many.low_rps <= 100 <= many.high_rps
    assert many.peak_rps == pytest.approx(100, rel=0.01)
    assert many.error_rps < few.error_rps
    assert many.low_rps < many.peak_rps < many.high_rps


def test_too_few_windows_are_no_truth() -> None:
    assert from_windows(_windows(1)[: LEAST_WINDOWS - 1]) is None
    assert exact(7).error_rps == 0
