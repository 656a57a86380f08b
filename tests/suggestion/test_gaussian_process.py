"""The Gaussian process against hand-made and independent answers."""

import math

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.stats import multivariate_normal

from suggestion.acquisition import expected_improvement, upper_confidence_bound
from suggestion.gaussian_process import (
    GaussianPosterior,
    GaussianProcess,
    Kernel,
    matern52,
    negative_log_posterior,
    squared_differences,
    warp,
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
    x = np.linspace(0, 1, 8)[:, None]
    y = np.sin(3 * x[:, 0])
    posterior = GaussianProcess(np.array([0])).predict(
        x, y, np.empty((0, 1)), np.concatenate([x, [[3.0]]])
    )
    assert np.argsort(posterior.mean[:8]).tolist() == np.argsort(y).tolist()
    assert posterior.sigma[:8].max() < 0.3 * posterior.sigma[8]


def test_posterior_equals_the_textbook_formula():
    rng = np.random.default_rng(3)
    x, at = rng.random((5, 2)), rng.random((4, 2))
    target = rng.normal(size=5)
    kernel = Kernel(np.array([0, 1]), np.array([4.0, 1.0]), 1.3, 0.01)
    mean, rows = GaussianProcess._condition(kernel, x, target, at)
    k = kernel.between(x, x) + 0.01 * np.eye(5)
    cross = kernel.between(at, x)
    assert mean == pytest.approx(cross @ np.linalg.solve(k, target))
    expected = 1.3 - np.einsum("ij,ij->i", cross, np.linalg.solve(k, cross.T).T)
    assert 1.3 - (rows**2).sum(axis=0) == pytest.approx(expected)


def test_believing_equals_conditioning_anew():
    rng = np.random.default_rng(4)
    x, at = rng.random((5, 2)), rng.random((6, 2))
    kernel = Kernel(np.array([0, 1]), np.array([4.0, 1.0]), 1.3, 0.01)
    mean, rows = GaussianProcess._condition(kernel, x, rng.normal(size=5), at)
    before = GaussianPosterior(mean, 1.3 - (rows**2).sum(axis=0), 0.0, rows, at, kernel)
    after = before.believing(2)
    _, rows_anew = GaussianProcess._condition(kernel, np.concatenate([x, at[2:3]]), np.zeros(6), at)
    assert after.variance == pytest.approx(1.3 - (rows_anew**2).sum(axis=0))
    assert after.mean == pytest.approx(before.mean)
    assert after.sigma[2] < 0.1 < before.sigma[2]  # 0.1 is the noise


def test_a_pending_point_is_not_worth_a_second_look():
    x, y = np.array([[0.0], [1.0]]), np.array([0.0, 1.0])
    at = np.array([[0.5]])
    process = GaussianProcess(np.array([0]))
    alone = process.predict(x, y, np.empty((0, 1)), at)
    held = process.predict(x, y, at, at)
    assert held.sigma[0] < 0.5 * alone.sigma[0]


def test_warp_keeps_the_order_and_tames_a_tail():
    y = np.array([1.0, 2.0, 3.0, 5.0, 8.0, 300.0, 4000.0])
    warped = warp(y)
    assert np.all(np.diff(warped) > 0)
    assert warped.mean() == pytest.approx(0, abs=1e-9)
    assert warped.std() == pytest.approx(1)
    assert warped.max() < ((y - y.mean()) / y.std()).max()


def test_warp_of_equal_values():
    assert warp(np.full(8, 7.0)).tolist() == [0.0] * 8


def test_expected_improvement_by_hand():
    class Known:
        mean = np.array([1.0, 0.0, -9.0])
        sigma = np.array([1.0, 2.0, 0.1])
        best = 0.0

        def believing(self, index: int) -> "Known":
            return self

    # At u = 1: Phi(1) + phi(1); at u = 0: 2 phi(0).
    expected = [0.8413447461 + 0.2419707245, 2 * 0.3989422804, 0.0]
    assert expected_improvement(Known()) == pytest.approx(expected)
    assert upper_confidence_bound(Known(), 2.0) == pytest.approx([11.8, 12.8, 0.0])
