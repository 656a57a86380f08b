"""The regression network of the Morphling paper: weights and configurations in, predictions out.

Nothing is hidden in variables, so that a gradient can be taken through an update of the weights.

Symbols of the shapes: every array may have leading axes, here ``...`` (ensemble members, tasks).

======= ======================================= ==================
n       configurations
d       features of one                         ``NUM_FEATURES``
h       units of each of two hidden layers      128
c       learned constant inputs, the context    ``CONTEXT_SIZE``
======= ======================================= ==================

The context is what a service is told by: inputs of the network that are the same for all of its
configurations and that the inner loop adapts with the weights (Zintgraf et al. 2019, CAVIA,
arXiv 1810.03642, who adapt nothing else).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import tensorflow as tf

    Tensor: TypeAlias = tf.Tensor
    Weights: TypeAlias = Mapping[str, tf.Tensor]

NUM_HIDDEN = 128
CONTEXT_SIZE = 32

Array32 = NDArray[np.float32]


def initial_weights(rng: np.random.Generator, num_features: int) -> dict[str, Array32]:
    """Weights before any training: normal with variance ``2 / inputs`` (He et al. 2015)."""

    def normal(rows: int, columns: int, gain: float = 1.0) -> Array32:
        drawn = rng.standard_normal((rows, columns)) * gain * np.sqrt(2 / rows)
        return np.asarray(drawn, dtype=np.float32)

    def zeros(*shape: int) -> Array32:
        return np.zeros(shape, dtype=np.float32)

    return {
        "context": zeros(CONTEXT_SIZE),
        "context_in": normal(CONTEXT_SIZE, NUM_HIDDEN),
        "kernel_in": normal(num_features, NUM_HIDDEN),
        "bias_in": zeros(NUM_HIDDEN),
        "kernel_hidden": normal(NUM_HIDDEN, NUM_HIDDEN),
        "context_hidden": normal(CONTEXT_SIZE, NUM_HIDDEN, 0.3),
        "bias_hidden": zeros(NUM_HIDDEN),
        "kernel_out": normal(NUM_HIDDEN, 1, 0.3),
        "bias_out": zeros(1),
    }


def hidden(weights: Weights, x: Tensor) -> Tensor:
    """Second hidden layer of the configurations ``x [..., n, d]``, shape ``[..., n, h]``."""
    import tensorflow as tf

    def layer(inputs: Tensor, name: str) -> Tensor:
        context = weights["context"][..., tf.newaxis, :] @ weights[f"context_{name}"]
        shift = context + weights[f"bias_{name}"][..., tf.newaxis, :]
        return tf.nn.silu(inputs @ weights[f"kernel_{name}"] + shift)

    return layer(layer(x, "in"), "hidden")


def output(weights: Weights, features: Tensor) -> Tensor:
    """Prediction from the second hidden layer ``[..., n, h]``, shape ``[..., n]``."""
    return (features @ weights["kernel_out"])[..., 0] + weights["bias_out"]


def predict(weights: Weights, x: Tensor) -> Tensor:
    """f: predictions at the configurations ``x [..., n, d]``, shape ``[..., n]``."""
    return output(weights, hidden(weights, x))
