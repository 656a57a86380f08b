"""A regression network of two hidden layers in NumPy, as the paper's baselines use it.

Written out because the baselines train thousands of tiny networks: one step costs less here than
the overhead of a call into a framework.
"""

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Weights = tuple[Array, ...]
# Turns gradients into changes of the weights.
Update = Callable[[Weights], Weights]

WIDTH = 128


def initial_weights(num_inputs: int, rng: np.random.Generator) -> Weights:
    """Draws weights (He et al. 2015): matrix and bias of each of the three layers."""
    sizes = [num_inputs, WIDTH, WIDTH, 1]
    weights: list[Array] = []
    for rows, columns in itertools.pairwise(sizes):
        scale = np.sqrt((2 if columns > 1 else 1) / rows)
        weights.append((scale * rng.standard_normal((rows, columns))).astype(np.float32))
        weights.append(np.zeros(columns, dtype=np.float32))
    return tuple(weights)


def predict(weights: Weights, x: Array) -> Array:
    """Predictions at encoded points of shape ``[n, d]``, shape ``[n]``."""
    w1, b1, w2, b2, w3, b3 = weights
    hidden = np.maximum(x @ w1 + b1, 0)
    hidden = np.maximum(hidden @ w2 + b2, 0)
    return np.asarray((hidden @ w3 + b3)[:, 0])


def gradient(weights: Weights, x: Array, y: Array) -> Weights:
    """Gradient of the mean squared error at ``[n, d]`` points with targets ``[n]``."""
    w1, b1, w2, b2, w3, b3 = weights
    first = np.maximum(x @ w1 + b1, 0)
    second = np.maximum(first @ w2 + b2, 0)
    residual = (second @ w3 + b3) - y[:, None]
    at_output = residual * np.float32(2 / len(x))
    at_second = (at_output @ w3.T) * (second > 0)
    at_first = (at_second @ w2.T) * (first > 0)
    return (
        x.T @ at_first, at_first.sum(axis=0),
        first.T @ at_second, at_second.sum(axis=0),
        second.T @ at_output, at_output.sum(axis=0),
    )  # fmt: skip


def sgd(rate: float, momentum: float) -> Update:
    """Gradient descent with momentum."""
    velocity: list[Array] = []

    def update(gradients: Weights) -> Weights:
        if not velocity:
            velocity.extend(np.zeros_like(g) for g in gradients)
        for v, g in zip(velocity, gradients, strict=True):
            v *= np.float32(momentum)
            v -= np.float32(rate) * g
        return tuple(velocity)

    return update


def adam(rate: float) -> Update:
    """Adam (Kingma and Ba 2015) with its usual decays."""
    first: list[Array] = []
    second: list[Array] = []
    steps = 0

    def update(gradients: Weights) -> Weights:
        nonlocal steps
        if not first:
            first.extend(np.zeros_like(g) for g in gradients)
            second.extend(np.zeros_like(g) for g in gradients)
        steps += 1
        for m, v, g in zip(first, second, gradients, strict=True):
            m += np.float32(0.1) * (g - m)
            v += np.float32(0.001) * (g * g - v)
        scale = np.float32(rate * np.sqrt(1 - 0.999**steps) / (1 - 0.9**steps))
        return tuple(
            -scale * m / (np.sqrt(v) + np.float32(1e-8)) for m, v in zip(first, second, strict=True)
        )

    return update


def train(
    weights: Weights,
    x: Array,
    y: Array,
    update: Update,
    steps: int,
    batch: tuple[int, np.random.Generator] | None = None,
) -> Weights:
    """Takes steps on the mean squared error, on all points or on random batches of a size."""
    for _ in range(steps):
        if batch is None:
            gradients = gradient(weights, x, y)
        else:
            size, rng = batch
            rows = rng.integers(len(x), size=min(size, len(x)))
            gradients = gradient(weights, x[rows], y[rows])
        weights = tuple(w + d for w, d in zip(weights, update(gradients), strict=True))
    return weights
