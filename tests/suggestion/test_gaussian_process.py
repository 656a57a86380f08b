"""The Gaussian process against hand-made and independent answers."""

import math

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.stats import multivariate_normal

from suggestion.covariance import Kernel, matern52
from suggestion.evidence import Evidence
from suggestion.gaussian_process import (
    GaussianProcess,
    negative_log_posterior,
    squared_differences,
    warp,
)
from suggestion.parameter import Distribution, Range
from suggestion.posterior import Conditioned
from suggestion.search_space import SearchSpace

LINE = SearchSpace((Range("x", 0.0, 1.0, Distribution.UNIFORM),))


def evidence(x: list[float], y: list[float], infeasible: list[float] | None = None) -> Evidence:
    return Evidence(
        measured=tuple((value,) for value in x),
        values=np.array(y),
        infeasible=tuple((value,) for value in infeasible or []),
        pending=(),
    )


GROUPS = np.array([0, 1, 1])


def test_matern_at_known_distances():
    # (1 + sqrt5 r + 5/3 r^2) exp(-sqrt5 r) at r = 0, 1 and 2, worked out by hand.
    expected = [
        1.0,
        (1 + math.sqrt(5) + 5 / 3) * math.exp(-math.sqrt(5)),
        (1 + 2 * math.sqrt(5) + 20 / 3) * math.exp(-2 * math.sqrt(5)),
    ]
    assert matern52(np.array([0.0, 1.0, 4.0])) == pytest.approx(expected)


def test_columns_of_one_parameter_share_a_distance():
    a, b = np.array([[0.0, 0.0, 0.0]]), np.array([[3.0, 1.0, 2.0]])
    assert squared_differences(a, b, GROUPS)[:, 0, 0] == pytest.approx([9.0, 5.0])


def test_gradient_of_the_log_posterior():
    rng = np.random.default_rng(1)
    x, y = rng.random((9, 3)), rng.normal(size=9)
    squared = squared_differences(x, x, GROUPS)
    for _ in range(5):
        theta = rng.normal(-0.5, 0.6, 4)
        error = check_grad(
            lambda t: negative_log_posterior(t, squared, y)[0],
            lambda t: negative_log_posterior(t, squared, y)[1],
            theta,
        )
        assert error < 1e-4


def test_likelihood_equals_scipys():
    rng = np.random.default_rng(2)
    x, y = rng.random((6, 1)), rng.normal(size=6)
    squared = squared_differences(x, x, np.array([0]))

    def minus_log_likelihood(theta: np.ndarray) -> float:
        scale, amplitude, noise = np.exp(theta)
        covariance = amplitude**2 * matern52(squared[0] / scale**2) + (noise**2 + 1e-8) * np.eye(6)
        return -float(multivariate_normal(np.zeros(6), covariance).logpdf(y))

    def minus_log_prior(theta: np.ndarray) -> float:
        means = np.array([math.log(0.5), 0.0, math.log(0.08)])
        return float(0.5 * (((theta - means) / [0.75, 0.5, 0.8]) ** 2).sum())

    thetas = [np.array([-1.0, 0.2, -2.0]), np.array([0.3, -0.4, -1.0])]
    ours = [negative_log_posterior(theta, squared, y)[0] for theta in thetas]
    theirs = [minus_log_likelihood(theta) + minus_log_prior(theta) for theta in thetas]
    assert ours[0] - ours[1] == pytest.approx(theirs[0] - theirs[1])


def test_posterior_goes_through_clean_data_and_is_unsure_far_away():
    x = np.linspace(0, 0.5, 8)
    y = np.sin(6 * x)
    posterior = GaussianProcess(LINE).predict(
        evidence(x.tolist(), y.tolist()), [*((v,) for v in x), (1.0,)]
    )
    assert np.argsort(posterior.mean[:8]).tolist() == np.argsort(y).tolist()
    assert posterior.sigma[:8].max() < 0.3 * posterior.sigma[8]
    assert posterior.feasible.tolist() == [1.0] * 9


def test_conditioning_equals_the_textbook_formula():
    rng = np.random.default_rng(3)
    x, at = rng.random((5, 2)), rng.random((4, 2))
    kernel = Kernel(np.array([0, 1]), np.array([4.0, 1.0]), 1.3, 0.01)
    spread = Conditioned.of(kernel, at, kernel.rows(kernel.factor(x), x, at))
    k = kernel.between(x, x) + 0.01 * np.eye(5)
    cross = kernel.between(at, x)
    expected = 1.3 - np.einsum("ij,ij->i", cross, np.linalg.solve(k, cross.T).T)
    assert spread.variance == pytest.approx(expected)


def test_believing_equals_conditioning_anew():
    rng = np.random.default_rng(4)
    x, at = rng.random((5, 2)), rng.random((6, 2))
    kernel = Kernel(np.array([0, 1]), np.array([4.0, 1.0]), 1.3, 0.01)
    before = Conditioned.of(kernel, at, kernel.rows(kernel.factor(x), x, at))
    after = before.believing(2)
    more = np.concatenate([x, at[2:3]])
    anew = Conditioned.of(kernel, at, kernel.rows(kernel.factor(more), more, at))
    assert after.variance == pytest.approx(anew.variance)
    assert after.variance[2] < 0.01 < before.variance[2]  # 0.01 is the noise
    assert before.believing(2, 4).variance == pytest.approx(after.believing(4).variance)


def test_a_pending_point_is_not_worth_a_second_look():
    posterior = GaussianProcess(LINE).predict(evidence([0.0, 1.0], [0.0, 1.0]), [(0.5,), (0.75,)])
    held = posterior.believing(0)
    assert held.sigma[0] < 0.5 * posterior.sigma[0]
    assert held.mean == pytest.approx(posterior.mean)
    assert (held.best >= posterior.best).all()


def test_failures_lower_the_probability_that_it_runs():
    posterior = GaussianProcess(LINE).predict(
        evidence([0.0, 0.2], [1.0, 2.0], infeasible=[0.9]), [(0.1,), (0.9,)]
    )
    assert posterior.feasible[0] > 0.8 > 0.2 > posterior.feasible[1]


def test_before_any_value_it_only_keeps_away_from_failures():
    process = GaussianProcess(LINE)
    assert process.promise(evidence([], []), [(0.5,)]) is None
    promise = process.promise(evidence([], [], infeasible=[0.1]), [(0.1,), (0.9,)])
    assert promise is not None
    assert promise[0] < promise[1]


def test_warp_keeps_the_order_and_tames_a_tail():
    y = np.array([1.0, 2.0, 3.0, 5.0, 8.0, 300.0, 4000.0])
    warped = warp(y)
    assert np.all(np.diff(warped) > 0)
    assert warped.mean() == pytest.approx(0, abs=1e-9)
    assert warped.std() == pytest.approx(1)
    assert warped.max() < ((y - y.mean()) / y.std()).max()


def test_warp_of_equal_values():
    assert warp(np.full(8, 7.0)).tolist() == [0.0] * 8
