"""What to measure in a space where everything has been measured."""

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

import numpy as np

from suggestion.evidence import Evidence
from suggestion.search_space import Point, SearchSpace

# Standard deviation as a share of the value, where no repeat tells: what a load test leaves.
_USUAL_NOISE = 0.03
_NUM_STANDARD_ERRORS = 2.0


def best_again(space: SearchSpace, evidence: Evidence, count: int, seed: int) -> list[Point]:
    """The points that may be the best: each repeat sharpens the estimate of its mean.

    Ranked by the mean of a point's values and two standard errors, so that a lucky value does not
    last and what was measured often makes room (an upper confidence bound over the points).

    Args:
        space: What is searched.
        evidence: All trials; without a measured one any point will do.
        count: How many points; one may be among them several times.
        seed: Of that any point.
    """
    values: dict[Point, list[float]] = defaultdict(list)
    for point, value in zip(evidence.measured, evidence.values.tolist(), strict=True):
        values[point].append(value)
    if not values:
        shares = np.random.default_rng(seed).random((1, len(space.parameters)))
        return space.from_uniform(shares) * count
    deviation = _noise_of(values.values())
    times = Counter([*evidence.measured, *evidence.pending])

    def cost(point: Point) -> tuple[float, Point]:
        standard_error = deviation / math.sqrt(times[point])
        return -float(np.mean(values[point])) - _NUM_STANDARD_ERRORS * standard_error, point

    ranked = [cost(point) for point in values]
    heapq.heapify(ranked)
    chosen = []
    for _ in range(count):
        _, point = ranked[0]
        chosen.append(point)
        times[point] += 1
        heapq.heapreplace(ranked, cost(point))
    return chosen


def _noise_of(values: Collection[Sequence[float]]) -> float:
    squares = sum(float(np.var(own)) * len(own) for own in values)
    freedom = sum(len(own) - 1 for own in values)
    if freedom:
        return math.sqrt(squares / freedom)
    return _USUAL_NOISE * max(abs(value) for own in values for value in own)
