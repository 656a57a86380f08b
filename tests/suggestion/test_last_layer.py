"""The Bayesian last layer against ordinary Gaussian process regression in numpy."""

from typing import Any

import numpy as np
import pytest

from suggestion.last_layer import initial_head, posterior, predict_adapted
from suggestion.meta_model import hidden, initial_weights, output

tf = pytest.importorskip("tensorflow")

N, M, D = 5, 7, 3


def problem() -> tuple[dict[str, Any], dict[str, Any], np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    weights = {k: tf.constant(v, tf.float64) for k, v in initial_weights(rng, D).items()}
    head = {k: tf.constant(v, tf.float64) for k, v in initial_head(D).items()}
    x, at = rng.standard_normal((N, D)), rng.standard_normal((M, D))
    return weights, head, x, at, rng.standard_normal(N)


def covariance(head: dict[str, Any], a: tuple[Any, Any], b: tuple[Any, Any]) -> np.ndarray:
    value = {name: np.exp(np.asarray(array)) for name, array in head.items()}
    rate = value["log_local_rate"]
    distance = np.abs(a[1][:, np.newaxis] - b[1]) @ rate
    linear = (a[0] * value["log_weight_variance"]) @ b[0].T
    local = value["log_local_variance"] * np.exp(-distance)
    return linear + value["log_shift_variance"] + local


def test_it_is_the_posterior_of_the_prior_it_states() -> None:
    weights, head, x, at, y = problem()
    phi, phi_at = hidden(weights, x).numpy(), hidden(weights, at).numpy()
    noise = np.exp(head["log_noise_variance"].numpy()) + 1e-5
    inverse = np.linalg.inv(covariance(head, (phi, x), (phi, x)) + noise * np.eye(N))
    across = covariance(head, (phi_at, at), (phi, x))
    expected = across @ inverse @ y
    variance = np.diag(covariance(head, (phi_at, at), (phi_at, at)) - across @ inverse @ across.T)
    mean, found = posterior(head, (phi, x), (phi_at, at), tf.constant(y), tf.ones(N, tf.float64))
    np.testing.assert_allclose(mean, expected, rtol=1e-6)
    np.testing.assert_allclose(found, variance, rtol=1e-6)


def test_padding_counts_for_nothing() -> None:
    weights, head, x, at, y = problem()
    mask = tf.constant([1.0, 1, 1, 0, 0], tf.float64)
    spoiled = np.where(mask.numpy() > 0, y, 1e3)
    padded = predict_adapted(weights, head, (x, spoiled, mask), at)
    short = predict_adapted(weights, head, (x[:3], y[:3], mask[:3]), at)
    for found, expected in zip(padded, short, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_without_a_head_the_network_is_shifted_to_the_samples() -> None:
    weights, _, x, at, y = problem()
    mean, variance = predict_adapted(weights, {}, (x, y, tf.ones(N, tf.float64)), at)
    network, at_samples = (output(weights, hidden(weights, points)) for points in (at, x))
    shift = np.mean(y - at_samples.numpy())
    np.testing.assert_allclose(mean, network.numpy() + shift, rtol=1e-9)
    assert not np.any(variance)
