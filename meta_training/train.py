"""Meta-training: Algorithm 1 of the Morphling paper, deterministic by seed and resumable."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from meta_training.outer_loop import adam_update, initial_parameters, meta_loss
from meta_training.plan import Plan
from meta_training.service_grids import ServiceGrid
from meta_training.tasks import MetaBatch, draw_batch
from suggestion.checkpoint import Checkpoint, load_arrays, save_arrays
from suggestion.meta_model import Array32
from suggestion.tensorflow_setup import set_up_tensorflow

if TYPE_CHECKING:
    from suggestion.meta_model import Tensor

    Compute: TypeAlias = Callable[..., tuple[dict[str, Tensor], dict[str, Tensor], Tensor, Tensor]]

DrawBatch: TypeAlias = Callable[[Sequence[ServiceGrid], np.random.Generator, int, int], MetaBatch]

_STATE = "training_state.npz"
_SECONDS_BETWEEN_SAVES = 30.0
_WARM_UP = 100
_LOWEST_RATE = 0.01
# Independent streams of random numbers of one seed.
_WEIGHTS, _TASKS = 0, 1


class ResumeError(ValueError):
    """The folder holds a training of another kind."""


@dataclass(frozen=True)
class _State:
    """Everything that the next update depends on, and the losses so far."""

    number: int
    parameters: Mapping[str, Any]
    moments: Mapping[str, Any]
    losses: tuple[tuple[float, float], ...]


def train(
    plan: Plan,
    grids: Sequence[ServiceGrid],
    seed: int,
    folder: Path,
    on_update: Callable[[int], None] = lambda _: None,
    draw: DrawBatch = draw_batch,
) -> tuple[Checkpoint, Array32]:
    """Meta-trains, or continues what an interrupted call in the same folder began.

    The state is written every half a minute and when interrupted; a training that was continued
    gives the same weights as one that was not.

    Args:
        plan: How to train.
        grids: Where tasks are drawn from; the same at each call.
        seed: Decides the first weights and every task.
        folder: Holds the state until the training is finished.
        on_update: Called with the number of updates done.
        draw: Draws the tasks of an update; the same at each call.

    Returns:
        The meta-weights, and loss and absolute error of each update, shape ``[num_updates, 2]``.

    Raises:
        ResumeError: The folder's training has another plan, seed or grids.
    """
    set_up_tensorflow()
    about = {"plan": asdict(plan), "seed": seed, "grids": _fingerprint(grids)}
    path = folder / _STATE
    state = _loaded(path, about) if path.exists() else _initial(plan, seed)
    compute = _compiled(plan)
    saved_at = time.monotonic()
    try:
        while state.number < plan.num_updates:
            rng = np.random.default_rng([seed, _TASKS, state.number + 1])
            batch = draw(grids, rng, plan.num_members, plan.num_tasks)
            state = _updated(state, plan, batch, compute)
            on_update(state.number)
            if time.monotonic() - saved_at > _SECONDS_BETWEEN_SAVES:
                _save(path, state, about)
                saved_at = time.monotonic()
    except KeyboardInterrupt:
        _save(path, state, about)
        raise
    arrays = {name: np.asarray(value) for name, value in state.parameters.items()}
    path.unlink(missing_ok=True)
    checkpoint = Checkpoint(arrays, plan.num_steps, plan.is_continued)
    return checkpoint, np.array(state.losses, dtype=np.float32).reshape(-1, 2)


def _updated(state: _State, plan: Plan, batch: MetaBatch, compute: Compute) -> _State:
    import tensorflow as tf

    number = state.number + 1
    tasks = [tf.constant(array) for array in batch.arrays]
    step = tf.constant(number, tf.float32)
    rate = tf.constant(_learning_rate(plan, number), tf.float32)
    parameters, moments, loss, error = compute(state.parameters, state.moments, step, rate, tasks)
    if not np.isfinite(loss):
        raise FloatingPointError(f"the loss must be finite, but is {loss} at update {number}.")
    losses = (*state.losses, (float(loss), float(error)))
    return _State(number, parameters, moments, losses)


def _learning_rate(plan: Plan, number: int) -> float:
    """Eq. 4's beta: a linear warm-up, then half a cosine down to a hundredth."""
    progress = number / plan.num_updates
    cosine = 0.5 * (1 + np.cos(np.pi * progress))
    return float(plan.learning_rate * min(1.0, number / _WARM_UP) * max(cosine, _LOWEST_RATE))


def _compiled(plan: Plan) -> Compute:
    import tensorflow as tf

    @tf.function  # type: ignore[untyped-decorator]
    def compute(
        parameters: dict[str, Tensor],
        moments: dict[str, Tensor],
        step: Tensor,
        rate: Tensor,
        tasks: list[Tensor],
    ) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor, Tensor]:
        learned = [n for n in parameters if plan.learns_rates or not n.startswith("rates/")]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([parameters[name] for name in learned])
            loss, error = meta_loss(parameters, tasks, plan)
        found = tape.gradient(
            loss,
            [parameters[name] for name in learned],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        gradients = dict(zip(learned, found, strict=True))
        updated, new_moments = adam_update(parameters, gradients, moments, step, rate)
        return updated, new_moments, loss, error

    return compute  # type: ignore[no-any-return]


def _initial(plan: Plan, seed: int) -> _State:
    parameters = initial_parameters(plan, np.random.default_rng([seed, _WEIGHTS]))
    moments = {
        f"{moment}/{name}": np.zeros_like(value)
        for moment in ("first", "second")
        for name, value in parameters.items()
    }
    return _State(0, parameters, moments, ())


def _save(path: Path, state: _State, about: Mapping[str, object]) -> None:
    arrays = {f"parameters/{name}": np.asarray(v) for name, v in state.parameters.items()}
    arrays |= {f"moments/{name}": np.asarray(v) for name, v in state.moments.items()}
    save_arrays(path, arrays, {**about, "number": state.number, "losses": state.losses})


def _loaded(path: Path, about: Mapping[str, object]) -> _State:
    arrays, found = load_arrays(path)
    number, losses = found.pop("number"), found.pop("losses")
    if found != json.loads(json.dumps(about)):
        raise ResumeError(
            f"an interrupted training must be continued with its own plan, seed and tables, but "
            f"{path} is of others: choose another folder, or delete that file."
        )

    def named(prefix: str) -> dict[str, Array32]:
        return {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}

    pairs = tuple((loss, error) for loss, error in losses)
    return _State(number, named("parameters/"), named("moments/"), pairs)


def _fingerprint(grids: Sequence[ServiceGrid]) -> str:
    digest = hashlib.sha256()
    for grid in grids:
        digest.update(grid.features.tobytes())
        digest.update(grid.rps.tobytes())
    return digest.hexdigest()
