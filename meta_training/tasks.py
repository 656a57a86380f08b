"""Tasks of meta-training: seeded batches of services, each with samples and a test of them.

A task is a service under one objective: its request rates, divided by the costs of a random price
list or of none, with the roughness that measurements have and the simulator lacks. Its support set
looks like the trials of a search, its query set like what a search asks next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meta_training.service_grids import ServiceGrid
from suggestion.knob_features import NUM_FEATURES
from suggestion.maml import targets

Array = NDArray[np.float64]
Array32 = NDArray[np.float32]
Indices = NDArray[np.int64]

MAX_SUPPORT = 40
NUM_QUERY = 48
_MAX_INITIAL = 8
_MIN_SUPPORT = 3
_MIN_FEASIBLE = 24


@dataclass(frozen=True)
class MetaBatch:
    """Support and query sets of ``[e, t]`` tasks: e ensemble members with t tasks each.

    Attributes:
        support_x: Features, shape ``[e, t, MAX_SUPPORT, NUM_FEATURES]``.
        support_y: Targets, shape ``[e, t, MAX_SUPPORT]``.
        support_mask: 1 for a sample, 0 for padding; same shape.
        query_x: Shape ``[e, t, NUM_QUERY, NUM_FEATURES]``.
        query_y: Shape ``[e, t, NUM_QUERY]``.
    """

    support_x: Array32
    support_y: Array32
    support_mask: Array32
    query_x: Array32
    query_y: Array32

    @property
    def arrays(self) -> tuple[Array32, ...]:
        """All of them, in the order of ``outer_loop.meta_loss``."""
        return (self.support_x, self.support_y, self.support_mask, self.query_x, self.query_y)


def draw_batch(
    grids: Sequence[ServiceGrid], rng: np.random.Generator, num_members: int, num_tasks: int
) -> MetaBatch:
    """Draws ``num_tasks`` tasks for each of ``num_members`` members."""
    shape = (num_members, num_tasks)
    batch = MetaBatch(
        support_x=np.zeros((*shape, MAX_SUPPORT, NUM_FEATURES), np.float32),
        support_y=np.zeros((*shape, MAX_SUPPORT), np.float32),
        support_mask=np.zeros((*shape, MAX_SUPPORT), np.float32),
        query_x=np.zeros((*shape, NUM_QUERY, NUM_FEATURES), np.float32),
        query_y=np.zeros((*shape, NUM_QUERY), np.float32),
    )
    share = np.array([grid.weight for grid in grids])
    for place in np.ndindex(shape):
        grid = grids[rng.choice(len(grids), p=share / share.sum())]
        _fill(batch, place, grid, rng)
    return batch


def _fill(
    batch: MetaBatch, place: tuple[int, ...], grid: ServiceGrid, rng: np.random.Generator
) -> None:
    values = np.zeros(0)
    while np.count_nonzero(values) < _MIN_FEASIBLE:
        values = grid.draw_objective(rng)
    log_values = np.log(np.maximum(values, 1e-12))
    feasible = values > 0
    support = draw_support(grid, log_values, feasible, rng)
    measured = values[support] * np.exp(_noise(rng) * rng.standard_normal(len(support)))
    query = _draw_query(log_values, feasible, support, rng)
    best = measured.max()
    batch.support_x[place][: len(support)] = grid.features[support]
    batch.support_y[place][: len(support)] = targets(measured, best)
    batch.support_mask[place][: len(support)] = 1
    batch.query_x[place] = grid.features[query]
    batch.query_y[place] = targets(values[query], best)


def _noise(rng: np.random.Generator) -> float:
    """Relative error of a task's measurements: half of the tasks have none."""
    return float(rng.choice([0.0, 0.0, 0.01, 0.03]))


def draw_support(
    grid: ServiceGrid, log_values: Array, feasible: NDArray[np.bool_], rng: np.random.Generator
) -> Indices:
    """Samples as a search gathers them: an initial design, then mostly what looks good.

    The initial design is the corners of one card, as the paper's, or a few random configurations.
    The rest is drawn in proportion to ``value ** (1 / temperature)``: the colder, the more clumped.
    """
    if rng.random() < 0.6:
        initial = grid.draw_corners(rng)
    else:
        initial = rng.permutation(len(log_values))[: rng.integers(2, _MAX_INITIAL + 1)]
    chosen = initial[feasible[initial]]
    num_more = int(rng.integers(0, MAX_SUPPORT - _MAX_INITIAL + 1))
    num_more = max(num_more, _MIN_SUPPORT - len(chosen))
    num_more = min(num_more, np.count_nonzero(feasible) - len(chosen) - 8)
    score = log_values / np.exp(rng.uniform(np.log(0.05), np.log(1.0)))
    score = np.where(rng.random(len(score)) < 0.3, score.max() - 2, score)
    score = np.where(feasible, score, -np.inf)
    score[chosen] = -np.inf
    return np.concatenate([chosen, _gumbel_top(score, num_more, rng)])


def _draw_query(
    log_values: Array, feasible: NDArray[np.bool_], support: Indices, rng: np.random.Generator
) -> Indices:
    """Half of them anywhere, half near the optimum, where a search has to tell them apart."""
    open_points = feasible.copy()
    open_points[support] = False
    near = np.where(open_points, log_values / 0.1, -np.inf)
    anywhere = np.where(open_points, 0.0, -np.inf)
    half = NUM_QUERY // 2
    drawn = [_gumbel_top(near, half, rng), _gumbel_top(anywhere, NUM_QUERY - half, rng)]
    return np.resize(np.concatenate(drawn), NUM_QUERY)


def _gumbel_top(score: Array, count: int, rng: np.random.Generator) -> Indices:
    """Draws without replacement in proportion to ``exp(score)`` (Kool et al. 2019)."""
    perturbed = score + rng.gumbel(size=len(score))
    count = max(0, min(count, int(np.isfinite(score).sum())))
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    return np.argpartition(-perturbed, count - 1)[:count]
