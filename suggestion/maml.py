"""The search's side of MAML: meta-weights and the trials of a service in, predictions out.

Nothing is kept between requests: the chain theta -> theta' of Algorithm 2 of the Morphling paper is
rebuilt from the trials. Before the newest trial the weights were theta, after it they are theta',
and ``|f_theta - f_theta'|`` is the confidence of Eq. 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from suggestion.checkpoint import Checkpoint
from suggestion.inner_loop import chain, first
from suggestion.knob_features import NUM_FEATURES
from suggestion.last_layer import predict_adapted
from suggestion.tensorflow_setup import set_up_tensorflow

if TYPE_CHECKING:
    from suggestion.meta_model import Tensor

Array = NDArray[np.float64]

# Below this share of the best sample, differences of speed no longer matter to a search.
FLOOR = 0.02
# Real services differ more from the simulated ones than those from each other. On simulated ones
# with other constants of the cards, searches had the shortest tail with this factor.
_SIGMA_FACTOR = 1.5
# Candidates that are predicted at a time: more of them would cost hundreds of MiB.
_CHUNK = 4096


@dataclass(frozen=True)
class MamlPrediction:
    """Predictions of e ensemble members at m candidates, as natural logarithms of the objective.

    A cost that is known may be subtracted as its logarithm from all of them.

    Attributes:
        before: f of Eq. 5, as of the weights before the newest trial, shape ``[e, m]``.
        after: f' of Eq. 5 and 6, shape ``[e, m]``.
        sigma: Learned standard deviation of f', above 0, shape ``[e, m]``.
        measured: f' at the measured configurations, shape ``[e, n]``.
    """

    before: Array
    after: Array
    sigma: Array
    measured: Array

    @property
    def confidence(self) -> Array:
        """Eq. 5: how far the newest trial moved the prediction, shape ``[e, m]``."""
        return np.asarray(np.abs(self.after - self.before))

    def optimistic(self, exploration_weight: float) -> Array:
        """Eq. 6: ``f' + delta |f' - f|``, shape ``[e, m]``.

        By itself it is the paper's acquisition. The confidence is a poor measure of what is not
        known, so that a search does better with the expected improvement of a normal variable of
        this mean and of the learned sigma.
        """
        return self.after + exploration_weight * self.confidence


def targets(values: Array, best: float) -> Array:
    """What the network learns: ``log(value / best)``, flat below ``FLOOR``; shape ``[n]``.

    Args:
        values: Objectives, above 0, shape ``[n]``.
        best: Largest of the samples.
    """
    return np.asarray(np.log(values / best + FLOOR))


class MamlSurrogate:
    """Predicts an objective from the trials of one service, by adapting the meta-weights.

    TensorFlow is imported, and its graph built, when the surrogate is made.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        set_up_tensorflow()
        self._graph = _compiled(checkpoint)
        # The first call pays for the graph: better here than in a request.
        one = np.zeros((2, NUM_FEATURES))
        self.predict(one, np.array([1.0, 2.0]), one, one)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads the meta-weights.

        Raises:
            ValueError: The file holds no meta-weights, or those of another encoding.
        """
        return cls(Checkpoint.load(path))

    def predict(
        self, x: Array, values: Array, candidates: Array, pending: Array | None = None
    ) -> MamlPrediction:
        """Adapts to the measured trials and predicts.

        Args:
            x: Features of the trials that ran, in order of completion, shape ``[n, d]``, n > 0.
            values: Their objective, larger is better, above 0, shape ``[n]``.
            candidates: Features of the configurations to predict at, shape ``[m, d]``.
            pending: Features of trials under measurement, shape ``[p, d]``: believed to bring
                what is predicted for them (Ginsbourger et al. 2010, "kriging believer").
        """
        if len(values) == 0 or not (values > 0).all():
            raise ValueError(f"values must be one or more and above 0, but are {values}.")
        y = targets(values, values.max())
        if pending is not None and len(pending):
            believed = self._run(x, y, pending).after.mean(0)
            x, y = np.concatenate([x, pending]), np.concatenate([y, believed])
        found = self._run(x, y, candidates)
        shift = np.log(values.max())
        return MamlPrediction(
            before=found.before + shift,
            after=found.after + shift,
            sigma=_SIGMA_FACTOR * found.sigma,
            measured=found.measured[:, : len(values)] + shift,
        )

    def _run(self, x: Array, y: Array, candidates: Array) -> MamlPrediction:
        samples = (x.astype(np.float32), y.astype(np.float32))
        chunks = np.array_split(candidates.astype(np.float32), -(-len(candidates) // _CHUNK))
        found = [[t.numpy().astype(np.float64) for t in self._graph(*samples, c)] for c in chunks]
        # Each chunk's predictions are followed by those at the samples.
        before, after, sigma = (
            np.concatenate([one[:, : -len(x)] for one in kind], axis=1)
            for kind in zip(*found, strict=True)
        )
        return MamlPrediction(before, after, sigma, found[0][1][:, -len(x) :])


def _compiled(checkpoint: Checkpoint) -> Callable[..., tuple[Tensor, Tensor, Tensor]]:
    """The graph from samples and candidates to before, after and sigma, each ``[e, m + n]``."""
    import tensorflow as tf

    parts = {
        part: {name: tf.constant(value) for name, value in checkpoint.part(part).items()}
        for part in ("weights", "rates", "head")
    }
    num_members = len(checkpoint.parameters["weights/bias_out"])

    def graph(x: Tensor, y: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, y, at = (
            tf.tile(value[tf.newaxis], [num_members] + [1] * value.shape.rank)
            for value in (x, y, tf.concat([candidates, x], 0))
        )
        before, after = chain(
            parts["weights"],
            parts["rates"],
            x,
            y,
            num_steps=checkpoint.num_steps,
            is_continued=checkpoint.is_continued,
        )
        old_samples = (x, y, first(tf.shape(y)[1] - 1, y))
        all_samples = (x, y, tf.ones_like(y))
        old, _ = predict_adapted(before, parts["head"], old_samples, at)
        new, variance = predict_adapted(after, parts["head"], all_samples, at)
        return old, new, tf.sqrt(variance)

    # Sizes are left open, so that no request waits for another graph.
    points, values = tf.TensorSpec([None, NUM_FEATURES]), tf.TensorSpec([None])
    return tf.function(graph, [points, values, points])  # type: ignore[no-any-return]
