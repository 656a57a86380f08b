"""The outer loop: Eq. 4 of the Morphling paper, the gradient taken through the adaptation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from meta_training.plan import Plan
from suggestion.inner_loop import adapt
from suggestion.knob_features import NUM_FEATURES
from suggestion.last_layer import initial_head, predict_adapted
from suggestion.meta_model import initial_weights

if TYPE_CHECKING:
    from suggestion.meta_model import Array32, Tensor

_ADAM = (0.9, 0.98, 1e-8)
_LONGEST_GRADIENT = 1.0


def initial_parameters(plan: Plan, rng: np.random.Generator) -> dict[str, Array32]:
    """Everything a search needs, a leading axis over the members: ``weights/..`` and so on."""

    def member() -> dict[str, Array32]:
        weights = initial_weights(rng, NUM_FEATURES)
        rates = {name: np.full_like(weights[name], r) for name, r in plan.inner_rates.items()}
        parts = {"weights": weights, "rates": rates}
        if plan.has_head:
            parts["head"] = initial_head(NUM_FEATURES)
        return {f"{part}/{k}": v for part, named in parts.items() for k, v in named.items()}

    members = [member() for _ in range(plan.num_members)]
    return {name: np.stack([one[name] for one in members]) for name in members[0]}


def part(parameters: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The entries of one part, ``weights``, ``rates`` or ``head``, by their own names."""
    prefix = f"{name}/"
    return {key[len(prefix) :]: v for key, v in parameters.items() if key.startswith(prefix)}


def meta_loss(
    parameters: Mapping[str, Tensor], tasks: Sequence[Tensor], plan: Plan
) -> tuple[Tensor, Tensor]:
    """Loss of the query sets after adaptation to the support sets: the sum of Eq. 4, averaged.

    Args:
        parameters: As of ``initial_parameters``.
        tasks: x, y and mask of the samples, x and y of the query, leading axes ``[e, t]``.
        plan: Says how to adapt, and whether there is a sigma to learn.

    Returns:
        Loss and absolute error, means over members and tasks: two scalars. The loss is the squared
        error, or with a sigma the negative log likelihood.
    """
    import tensorflow as tf

    x, y, mask, query_x, query_y = tasks
    weights = {k: _tiled(v, tf.shape(x)[1]) for k, v in part(parameters, "weights").items()}
    rates = {k: v[:, tf.newaxis] for k, v in part(parameters, "rates").items()}
    head = {k: v[:, tf.newaxis] for k, v in part(parameters, "head").items()}
    adapted = adapt(
        weights, rates, x, y, mask, num_steps=plan.num_steps, first_order=plan.first_order
    )
    mean, variance = predict_adapted(adapted, head, (x, y, mask), query_x)
    error = query_y - mean
    if not head:
        return tf.reduce_mean(error**2), tf.reduce_mean(tf.abs(error))
    variance += tf.exp(head["log_noise_variance"])
    # Student's t with 4 degrees of freedom: one odd service must not drive all others.
    likelihood = 2.5 * tf.math.log1p(error**2 / (4 * variance)) + 0.5 * tf.math.log(variance)
    return tf.reduce_mean(likelihood), tf.reduce_mean(tf.abs(error))


def _tiled(value: Tensor, count: Tensor) -> Tensor:
    import tensorflow as tf

    shape = tf.concat([tf.shape(value)[:1], [count], tf.shape(value)[1:]], 0)
    return tf.broadcast_to(value[:, tf.newaxis], shape)


def adam_update(
    parameters: Mapping[str, Tensor],
    gradients: Mapping[str, Tensor],
    moments: Mapping[str, Tensor],
    step: Tensor,
    rate: Tensor,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """One step of Adam (Kingma & Ba 2015) for Eq. 4's beta, on gradients of bounded length.

    Args:
        parameters: As of ``initial_parameters``.
        gradients: Gradients of those that are learned.
        moments: Running means ``first/..`` and ``second/..`` of the gradients and their squares.
        step: Number of this update, from 1; scalar.
        rate: beta; scalar.

    Returns:
        The new parameters and moments.
    """
    import tensorflow as tf

    decay, square_decay, epsilon = _ADAM
    length = tf.linalg.global_norm(list(gradients.values()))
    scale = tf.minimum(1.0, _LONGEST_GRADIENT / (length + epsilon))
    updated: dict[str, Tensor] = {}
    new_moments: dict[str, Tensor] = {}
    for name, value in parameters.items():
        if name not in gradients:
            updated[name] = value
            continue
        gradient = gradients[name] * scale
        first = decay * moments[f"first/{name}"] + (1 - decay) * gradient
        second = square_decay * moments[f"second/{name}"] + (1 - square_decay) * gradient**2
        unbiased = second / (1 - square_decay**step)
        direction = first / (1 - decay**step) / (tf.sqrt(unbiased) + epsilon)
        updated[name] = value - rate * direction
        new_moments |= {f"first/{name}": first, f"second/{name}": second}
    return updated, new_moments
