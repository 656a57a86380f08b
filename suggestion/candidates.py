"""Points to choose from: the initial design, and the candidates that are scored."""

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import qmc

from suggestion.parameter import Grid
from suggestion.search_space import Point, SearchSpace

# Up to this size a space is scored whole.
MAX_ENUMERATED = 20_000
_NUM_SOBOL = 4096
_NUM_NEIGHBOURS = 150
_MAX_CORNERS = 64


def quasi_random(space: SearchSpace, seed: int, start: int = 0) -> Iterator[Point]:
    """An endless scrambled Sobol sequence over the space's prior, from position ``start``."""
    engine = qmc.Sobol(len(space.parameters), rng=np.random.default_rng(seed))
    if start:
        engine.fast_forward(start)
    while True:
        yield from space.from_uniform(engine.random(64))


def initial_design(space: SearchSpace, initial_points: str, seed: int, budget: int) -> list[Point]:
    """The points that come before the surrogate has a say, in order; possibly none.

    By default the centre, then a scrambled Sobol sequence: as many as there are parameters and one,
    at least 4, and at most a quarter of the budget, so that a dozen trials are not all spent blind.

    Args:
        space: What to search.
        initial_points: ``none``, ``corners``, a number, or ``auto``.
        seed: Seed of the sequence.
        budget: maxTrialCount; 0 when unlimited.
    """
    if initial_points == "none":
        return []
    if initial_points == "corners":
        return _corners(space)
    if initial_points == "auto":
        count = max(4, len(space.parameters) + 1)
        count = min(count, max(3, budget // 4)) if budget else count
    else:
        count = int(initial_points)
    if count == 0:
        return []
    centre = space.from_uniform(np.full((1, len(space.parameters)), 0.5))
    return centre + list(itertools.islice(quasi_random(space, seed), count - 1))


def _corners(space: SearchSpace) -> list[Point]:
    """Minimum and maximum of every ordered parameter, the first choice of any other."""
    ends: list[tuple[float, ...]] = []
    for parameter in space.parameters:
        if isinstance(parameter, Grid):
            last = float(len(parameter.values) - 1)
            is_pair = parameter.is_ordered and last > 0
            ends.append((0.0, last) if is_pair else (0.0,))
        else:
            ends.append((0.0, 1.0))
    return list(itertools.islice(itertools.product(*ends), _MAX_CORNERS))


def candidate_points(
    space: SearchSpace, incumbents: Sequence[Point], num_trials: int, seed: int
) -> list[Point]:
    """All points of a small space; else quasi-random ones and neighbours of the best.

    Args:
        space: What to search.
        incumbents: The best points so far, best first.
        num_trials: Number of trials so far: moves on along the quasi-random sequence.
        seed: Seed of both.
    """
    if space.size <= MAX_ENUMERATED:
        return space.enumerate()
    start = (num_trials * 64) % 2**20
    points = list(itertools.islice(quasi_random(space, seed, start), _NUM_SOBOL))
    rng = np.random.default_rng((seed, num_trials))
    for rank, incumbent in enumerate(incumbents):
        count = math.ceil(_NUM_NEIGHBOURS / (rank + 1))
        points += space.neighbours(incumbent, rng, count)
    return points
