"""Adaptation of meta-weights to the samples of one service: Eq. 2 and 3 of the Morphling paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suggestion.meta_model import predict

if TYPE_CHECKING:
    from suggestion.meta_model import Tensor, Weights


def loss(weights: Weights, x: Tensor, y: Tensor, mask: Tensor) -> Tensor:
    """Eq. 2: mean squared error of each task, shape ``[...]``, after the best common shift.

    What a service's rate is measured in (requests, or requests per dollar of some price list) adds
    a constant to its logarithm. Nobody knows it, so that it must not steer the adaptation.

    Args:
        weights: Weights of each task.
        x: Samples, shape ``[..., n, d]``.
        y: Their logarithms, shape ``[..., n]``.
        mask: 1 for a sample, 0 for padding, shape ``[..., n]``.
    """
    import tensorflow as tf

    count = tf.reduce_sum(mask, -1)
    error = (y - predict(weights, x)) * mask
    shift = tf.reduce_sum(error, -1, keepdims=True) / count[..., tf.newaxis]
    return tf.reduce_sum(mask * (error - shift) ** 2, -1) / count


def adapt(
    weights: Weights,
    rates: Weights,
    x: Tensor,
    y: Tensor,
    mask: Tensor,
    *,
    num_steps: int,
    first_order: bool = False,
) -> dict[str, Tensor]:
    """Eq. 3, several times: ``theta' = theta - alpha grad L(theta)``.

    Args:
        weights: theta, each entry with the leading axes of the tasks.
        rates: alpha, one for each weight (Li et al. 2017, Meta-SGD, arXiv 1707.09835).
        x: Samples, shape ``[..., n, d]``.
        y: Shape ``[..., n]``.
        mask: Shape ``[..., n]``.
        num_steps: How many updates.
        first_order: Take the gradient as a constant when the result is differentiated.
    """
    import tensorflow as tf

    adapted = dict(weights)
    names = list(rates)
    for _ in range(num_steps):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([adapted[name] for name in names])
            # Tasks share no weight of their own, so that the gradient of the sum is each one's.
            total = tf.reduce_sum(loss(adapted, x, y, mask))
        gradients = tape.gradient(total, [adapted[name] for name in names])
        if first_order:
            gradients = [tf.stop_gradient(gradient) for gradient in gradients]
        shrink = _shrink(gradients, mask.shape.rank - 1)
        for name, gradient in zip(names, gradients, strict=True):
            trailing = (tf.newaxis,) * (gradient.shape.rank - mask.shape.rank + 1)
            adapted[name] = adapted[name] - rates[name] * gradient * shrink[(..., *trailing)]
    return adapted


def _shrink(gradients: list[Tensor], num_axes: int) -> Tensor:
    """Factor of each task that keeps its gradient's length within 1, shape ``[...]``."""
    import tensorflow as tf

    squares = [tf.reduce_sum(g**2, list(range(num_axes, g.shape.rank))) for g in gradients]
    return tf.math.rsqrt(tf.maximum(tf.add_n(squares), 1.0))


def first(count: Tensor, y: Tensor) -> Tensor:
    """Mask of the first ``count`` samples, at least one, of the shape of ``y [..., n]``."""
    import tensorflow as tf

    return tf.sequence_mask(tf.maximum(count, 1), tf.shape(y)[-1], y.dtype) * tf.ones_like(y)


def chain(
    weights: Weights,
    rates: Weights,
    x: Tensor,
    y: Tensor,
    *,
    num_steps: int,
    is_continued: bool,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights theta and theta' of the last round of Algorithm 2, one round a trial.

    Args:
        weights: Meta-weights, with leading axes.
        rates: alpha.
        x: Trials in order of completion, shape ``[..., n, d]``.
        y: Shape ``[..., n]``.
        num_steps: Updates a round.
        is_continued: Whether a round starts at the weights of the round before; otherwise each
            starts at the meta-weights, as in meta-training.

    Returns:
        The weights before and after the newest trial; after a single trial both are the same.
    """
    import tensorflow as tf

    def of_round(start: Weights, count: Tensor) -> dict[str, Tensor]:
        return adapt(start, rates, x, y, first(count, y), num_steps=num_steps)

    count = tf.shape(y)[-1]
    if not is_continued:
        return of_round(weights, count - 1), of_round(weights, count)

    def next_round(
        done: Tensor, _: Weights, theta: Weights
    ) -> tuple[Tensor, Weights, dict[str, Tensor]]:
        return done + 1, theta, of_round(theta, done + 1)

    start = (tf.constant(1), dict(weights), of_round(weights, tf.constant(1)))
    _, before, after = tf.while_loop(lambda done, *_: done < count, next_round, start)
    return before, after
