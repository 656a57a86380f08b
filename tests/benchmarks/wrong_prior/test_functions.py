import numpy as np
import pytest

from benchmarks.wrong_prior.functions import UNKNOWN_NAMES, smooth_case
from suggestion.covariance import matern52
from suggestion.knobs import recognise


def correlation(distance):
    return float(matern52(np.array([(distance / 0.6) ** 2]))[0])


@pytest.fixture(scope="module")
def draws():
    """Many functions on the 720 configurations, shape ``[400, 5, 6, 8, 3]``."""
    logs = [np.log(smooth_case(seed).values) for seed in range(400)]
    return np.reshape(logs, (-1, 5, 6, 8, 3))


def test_draws_have_the_covariance_that_is_promised(draws):
    assert draws.mean() == pytest.approx(0, abs=0.05)
    assert (draws**2).mean() == pytest.approx(1, abs=0.1)
    neighbours = (draws[:, 1:] * draws[:, :-1]).mean()
    assert neighbours == pytest.approx(correlation(0.25), abs=0.1)
    cards = (draws[..., 1:] * draws[..., :-1]).mean()
    assert cards == pytest.approx(correlation(0.7 * 2**0.5), abs=0.1)


def test_other_names_leave_the_function():
    known, unknown = smooth_case(3), smooth_case(3, UNKNOWN_NAMES)
    assert (known.values == unknown.values).all()
    assert list(known.parameters.values()) == list(unknown.parameters.values())
    assert list(unknown.kinds.values()) == ["int", "discrete", "discrete", "categorical"]
    assert not set(UNKNOWN_NAMES) & set(recognise(list(unknown.parameters), {}))
    assert set(UNKNOWN_NAMES) == set(recognise(list(known.parameters), {}))
    assert not np.allclose(known.values, smooth_case(4).values)
