"""The inner loop against updates worked out by hand."""

from typing import Any

import numpy as np
import pytest

from suggestion.inner_loop import adapt, chain, first, loss
from suggestion.meta_model import Array32, hidden, initial_weights

tf = pytest.importorskip("tensorflow")

RATE = 0.05


def service(seed: int = 0, n: int = 5) -> tuple[dict[str, Any], Array32, Array32]:
    """Weights, samples and targets so small that the length of no gradient is bounded."""
    rng = np.random.default_rng(seed)
    weights = initial_weights(rng, 3)
    weights["kernel_hidden"] *= np.float32(0.5)
    x = rng.standard_normal((n, 3)).astype(np.float32)
    y = (0.1 * rng.standard_normal(n)).astype(np.float32)
    return {name: tf.constant(value) for name, value in weights.items()}, x, y


def centred(values: Array32) -> Array32:
    return values - values.mean()


def test_the_loss_is_the_variance_of_the_errors() -> None:
    weights, x, y = service()
    predicted = (np.asarray(hidden(weights, x)) @ weights["kernel_out"])[:, 0]
    found = loss(weights, x, y, np.ones(5, np.float32))
    assert float(found) == pytest.approx(np.var(y - predicted), rel=1e-4)


def test_a_common_shift_of_the_targets_changes_nothing() -> None:
    weights, x, y = service()
    mask = np.ones(5, np.float32)
    assert float(loss(weights, x, y + 7, mask)) == pytest.approx(
        float(loss(weights, x, y, mask)), rel=1e-4
    )


def test_padding_counts_for_nothing() -> None:
    weights, x, y = service()
    mask = np.array([1, 1, 1, 0, 0], np.float32)
    y[3:] = 1e3
    assert float(loss(weights, x, y, mask)) == pytest.approx(
        float(loss(weights, x[:3], y[:3], mask[:3])), rel=1e-4
    )


def test_a_step_follows_the_gradient_of_the_last_layer() -> None:
    # With one linear layer adapted: grad = -2/n Phi' C (y - Phi w), C the centring matrix.
    weights, x, y = service()
    phi = np.asarray(hidden(weights, x))
    kernel = weights["kernel_out"].numpy()[:, 0]
    error = centred(y - phi @ kernel)
    gradient = -2 / len(y) * phi.T @ error
    assert np.linalg.norm(gradient) < 1
    rates = {"kernel_out": np.full((128, 1), RATE, np.float32)}
    adapted = adapt(weights, rates, x, y, tf.ones(5), num_steps=1)
    expected = kernel - RATE * gradient
    np.testing.assert_allclose(adapted["kernel_out"][:, 0], expected, atol=1e-6)
    assert adapted["kernel_in"] is weights["kernel_in"]


def test_a_long_gradient_is_cut_to_length_one() -> None:
    weights, x, y = service()
    rates = {"kernel_out": np.ones((128, 1), np.float32)}
    adapted = adapt(weights, rates, x, 1e4 * y, tf.ones(5), num_steps=1)
    moved = adapted["kernel_out"] - weights["kernel_out"]
    assert np.linalg.norm(moved) == pytest.approx(1, rel=1e-4)


def test_tasks_are_adapted_apart() -> None:
    weights, x, y = service()
    _, other_x, other_y = service(1)
    both = {name: tf.stack([value, value]) for name, value in weights.items()}
    rates = {"kernel_hidden": np.full((128, 128), RATE, np.float32)}
    mask = tf.ones(5)
    together = adapt(
        both, rates, np.stack([x, other_x]), np.stack([y, other_y]), tf.ones([2, 5]), num_steps=2
    )
    for index, samples in enumerate([(x, y), (other_x, other_y)]):
        alone = adapt(weights, rates, *samples, mask, num_steps=2)
        np.testing.assert_allclose(
            together["kernel_hidden"][index], alone["kernel_hidden"], atol=1e-6
        )


@pytest.mark.parametrize(("count", "expected"), [(0, [1, 0, 0]), (2, [1, 1, 0]), (3, [1, 1, 1])])
def test_the_first_samples_at_least_one(count: int, expected: list[int]) -> None:
    assert first(tf.constant(count), tf.zeros([1, 3])).numpy().tolist() == [expected]


def ensemble_of_one() -> tuple[dict[str, Any], dict[str, Any], Array32, Array32]:
    weights, x, y = service()
    rates = {"kernel_out": np.full((1, 128, 1), RATE, np.float32)}
    return {k: v[np.newaxis] for k, v in weights.items()}, rates, x[np.newaxis], y[np.newaxis]


def test_a_continued_chain_takes_one_round_a_trial() -> None:
    weights, rates, x, y = ensemble_of_one()
    theta = weights
    rounds = []
    for count in range(1, 6):
        mask = first(tf.constant(count), tf.constant(y))
        theta = adapt(theta, rates, x, y, mask, num_steps=1)
        rounds.append(theta["kernel_out"])
    before, after = chain(
        weights, rates, tf.constant(x), tf.constant(y), num_steps=1, is_continued=True
    )
    np.testing.assert_allclose(before["kernel_out"], rounds[-2], atol=1e-6)
    np.testing.assert_allclose(after["kernel_out"], rounds[-1], atol=1e-6)


def test_a_restarted_chain_adapts_the_meta_weights_to_all_trials() -> None:
    weights, rates, x, y = ensemble_of_one()
    before, after = chain(
        weights, rates, tf.constant(x), tf.constant(y), num_steps=3, is_continued=False
    )
    for found, count in ((before, 4), (after, 5)):
        expected = adapt(
            weights, rates, x[:, :count], y[:, :count], tf.ones([1, count]), num_steps=3
        )
        np.testing.assert_allclose(found["kernel_out"], expected["kernel_out"], atol=1e-6)
