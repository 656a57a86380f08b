"""How sure the adapted network is: its last layer as a Bayesian linear regression.

The last layer is linear, so that its inner loop can be run to the end in closed form, from a
normal prior around the adapted weights. What the samples leave open is the learned sigma
(Harrison et al. 2018, ALPaCA, arXiv 1807.08912). A second, short-ranged term over the knobs
themselves is for what no service of the training showed.

    f(x) = f'(x) + w' phi(x) + b + g(x),  y = f(x) + e
    w ~ N(0, diag(v)), b ~ N(0, v_b), g ~ GP(0, v_g exp(-sum_j r_j |x_j - x'_j|)), e ~ N(0, v_e)

phi is the second hidden layer after adaptation; v, v_b, v_g, r and v_e are meta-learned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from suggestion.meta_model import NUM_HIDDEN, Array32, hidden, output

if TYPE_CHECKING:
    from suggestion.meta_model import Tensor, Weights

# Variance of padding, so that it counts for nothing.
_PADDING = 1e6
_JITTER = 1e-5


def initial_head(num_features: int) -> dict[str, Array32]:
    """Logarithms of the variances and rates before training."""

    def full(size: int, value: float) -> Array32:
        return np.full(size, np.log(value), dtype=np.float32)

    return {
        "log_weight_variance": full(NUM_HIDDEN, 1e-2),
        "log_shift_variance": full(1, 0.3),
        "log_local_variance": full(1, 1e-2),
        "log_local_rate": full(num_features, 0.5),
        "log_noise_variance": full(1, 3e-3),
    }


def predict_adapted(
    adapted: Weights, head: Weights, samples: tuple[Tensor, Tensor, Tensor], at: Tensor
) -> tuple[Tensor, Tensor]:
    """Prediction f' and its variance, noise left out, each of shape ``[..., m]``.

    Args:
        adapted: theta', with leading axes.
        head: As of ``initial_head``; empty for the network alone, whose variance is 0 and whose
            predictions are shifted to the mean of the samples.
        samples: x ``[..., n, d]``, y and mask ``[..., n]`` of the samples.
        at: Configurations to predict, shape ``[..., m, d]``.
    """
    import tensorflow as tf

    x, y, mask = samples
    at_samples, at_points = hidden(adapted, x), hidden(adapted, at)
    mean, residual = output(adapted, at_points), (y - output(adapted, at_samples)) * mask
    if not head:
        shift = tf.reduce_sum(residual, -1, keepdims=True) / tf.reduce_sum(mask, -1, keepdims=True)
        return mean + shift, tf.zeros_like(mean)
    shift, variance = posterior(head, (at_samples, x), (at_points, at), residual, mask)
    return mean + shift, variance


def posterior(
    head: Weights,
    samples: tuple[Tensor, Tensor],
    at: tuple[Tensor, Tensor],
    residual: Tensor,
    mask: Tensor,
) -> tuple[Tensor, Tensor]:
    """Mean and variance of ``f - f'``, each of shape ``[..., m]``; noise is not included.

    Args:
        head: Logarithms as of ``initial_head``, with leading axes.
        samples: phi ``[..., n, h]`` and x ``[..., n, d]`` of the samples.
        at: phi ``[..., m, h]`` and x ``[..., m, d]`` of the configurations to predict.
        residual: ``y - f'`` at the samples, shape ``[..., n]``.
        mask: 1 for a sample, 0 for padding, shape ``[..., n]``.
    """
    import tensorflow as tf

    noise = tf.exp(head["log_noise_variance"]) + _JITTER + _PADDING * (1 - mask)
    covariance = _covariance(head, samples, samples) + tf.linalg.diag(noise)
    factor = tf.linalg.cholesky(covariance)
    across = _covariance(head, samples, at)
    half = tf.linalg.triangular_solve(factor, across)
    whitened = tf.linalg.triangular_solve(factor, residual[..., tf.newaxis])
    mean = tf.reduce_sum(half * whitened, -2)
    variance = _variance(head, at) - tf.reduce_sum(half**2, -2)
    return mean, tf.maximum(variance, _JITTER)


def _covariance(head: Weights, a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> Tensor:
    import tensorflow as tf

    scaled = a[0] * tf.exp(head["log_weight_variance"])[..., tf.newaxis, :]
    shared = tf.matmul(scaled, b[0], transpose_b=True)
    rate = tf.exp(head["log_local_rate"])[..., tf.newaxis, :]
    left, right = a[1] * rate, b[1] * rate
    distance = tf.reduce_sum(tf.abs(left[..., :, tf.newaxis, :] - right[..., tf.newaxis, :, :]), -1)
    local = tf.exp(head["log_local_variance"][..., tf.newaxis] - distance)
    return shared + tf.exp(head["log_shift_variance"])[..., tf.newaxis] + local


def _variance(head: Weights, at: tuple[Tensor, Tensor]) -> Tensor:
    import tensorflow as tf

    shared = tf.reduce_sum(at[0] ** 2 * tf.exp(head["log_weight_variance"])[..., tf.newaxis, :], -1)
    return shared + tf.exp(head["log_shift_variance"]) + tf.exp(head["log_local_variance"])
