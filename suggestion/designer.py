"""The search: trials and a space in, points to measure out. Knows no gRPC, keeps no state."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggestion.acquisition import (
    confidence_delta,
    expected_improvement,
    upper_confidence_bound,
)
from suggestion.candidates import MAX_ENUMERATED, candidate_points, initial_design, quasi_random
from suggestion.evidence import Evidence, evidence_of
from suggestion.posterior import Posterior
from suggestion.search_space import Point, SearchSpace
from suggestion.surrogate import Surrogate
from suggestion.trial import Direction, Trial

Array = NDArray[np.float64]
Key = tuple[str, ...]

_NUM_INCUMBENTS = 5
# Believing costs a pass over the candidates each; what is left of their spread after so many
# pending neighbours decides nothing.
_MAX_BELIEVED = 200
# The most promising opening is looked for step by step; the rest of a large batch is any points.
_MAX_OPENING = 32


@dataclass(frozen=True)
class Search:
    """How to search one space.

    Attributes:
        space: What to search.
        surrogate: The model of the objective.
        name: Its name: ``gp``, ``library`` or ``maml``.
        acquisition: ``expected_improvement``, ``confidence_delta`` or ``ucb``.
        exploration_weight: Of the confidence or of the spread.
        initial_points: ``auto``, ``none``, ``corners`` or a number.
        seed: Equal for all requests of an Experiment.
        budget: maxTrialCount; 0 when unlimited.
    """

    space: SearchSpace
    surrogate: Surrogate
    name: str
    acquisition: str
    exploration_weight: float
    initial_points: str
    seed: int
    budget: int


@dataclass(frozen=True)
class Suggestions:
    """What to measure next.

    Attributes:
        assignments: Parameter name to text, one mapping a suggestion.
        source: What chose the last of them: ``initial``, ``repeat`` or the surrogate's name.
        num_repeats: How many repeat a point because the space is exhausted.
    """

    assignments: tuple[dict[str, str], ...]
    source: str
    num_repeats: int


def suggest(
    search: Search, trials: Sequence[Trial], count: int, direction: Direction
) -> Suggestions:
    """Chooses ``count`` points. A pure function: equal arguments give equal suggestions.

    No point is suggested twice, or again while a trial holds or has measured it, as long as the
    space has others. After that the best points are measured again.

    Args:
        search: How to search.
        trials: All trials of the request, in any order; those that do not fit are ignored.
        count: How many points to suggest, at least 0.
        direction: Whether larger objectives are better.
    """
    space = search.space
    evidence = evidence_of(space, trials, direction)
    taken = {_key(space, point) for point in [*evidence.outcomes, *evidence.pending]}
    chosen: list[Point] = []
    source = "initial"
    design = initial_design(space, search.initial_points, search.seed, search.budget)
    for point in design[evidence.num_trials :]:
        if len(chosen) < count and _key(space, point) not in taken:
            taken.add(_key(space, point))
            chosen.append(point)
    missing = count - len(chosen)
    if missing:
        continued = evidence.with_pending(chosen)
        choose = _by_acquisition if evidence.measured else _by_promise
        found = choose(search, continued, taken, missing)
        chosen, source = chosen + found, search.name
    num_repeats = count - len(chosen)
    if num_repeats:
        chosen, source = chosen + _repeats(space, evidence, num_repeats, search.seed), "repeat"
    return Suggestions(tuple(space.assignments_of(p) for p in chosen), source, num_repeats)


def _key(space: SearchSpace, point: Point) -> Key:
    """Identity of a point: two points are one when they are rendered alike."""
    return tuple(space.assignments_of(point).values())


def _untaken(space: SearchSpace, points: Sequence[Point], taken: set[Key]) -> list[Point]:
    unique = {_key(space, point): point for point in points}
    return [point for key, point in unique.items() if key not in taken]


def _by_acquisition(search: Search, evidence: Evidence, taken: set[Key], count: int) -> list[Point]:
    """The best new points by the acquisition function; pending ones are believed to come out."""
    order = np.argsort(-evidence.values, kind="stable")[:_NUM_INCUMBENTS]
    incumbents = [evidence.measured[index] for index in order]
    candidates = candidate_points(search.space, incumbents, evidence.num_trials, search.seed)
    points = _untaken(search.space, candidates, taken)
    if not points:
        return []
    pending = evidence.pending[-_MAX_BELIEVED:]
    posterior = search.surrogate.predict(evidence, [*points, *pending])
    is_left = np.arange(len(points) + len(pending)) < len(points)
    for index in np.flatnonzero(~is_left):
        posterior = posterior.believing(int(index))
    found: list[Point] = []
    while len(found) < min(count, len(points)):
        score = _score(search, posterior, is_left)
        index = int(np.where(is_left, score, -1.0).argmax())
        is_left[index] = False
        found.append(points[index])
        if len(found) < count:
            posterior = posterior.believing(index)
    return found


def _score(search: Search, posterior: Posterior, is_left: NDArray[np.bool_]) -> Array:
    if search.acquisition == "ucb":
        return upper_confidence_bound(posterior, search.exploration_weight)
    if search.acquisition == "confidence_delta":
        score = confidence_delta(posterior, search.exploration_weight)
    else:
        score = expected_improvement(posterior)
    if score[is_left].any():
        return score
    # No improvement is expected anywhere: the most promising uncertain point will do.
    mean = posterior.mean
    return np.asarray(np.exp(mean - mean.max()) * posterior.sigma * posterior.feasible)


def _by_promise(search: Search, evidence: Evidence, taken: set[Key], count: int) -> list[Point]:
    """Points to begin with: the most promising ones, or any when the surrogate knows nothing."""
    points = _untaken(search.space, _pool(search, count), taken)
    found: list[Point] = []
    while points and len(found) < min(count, _MAX_OPENING):
        promise = search.surrogate.promise(evidence.with_pending(found), points)
        if promise is None:
            break
        found.append(points.pop(int(promise.argmax())))
    return found + points[: count - len(found)]


def _pool(search: Search, count: int) -> list[Point]:
    if search.space.size <= MAX_ENUMERATED:
        points = search.space.enumerate()
        order = np.random.default_rng(search.seed).permutation(len(points))
        return [points[index] for index in order]
    sequence = quasi_random(search.space, search.seed)
    return [point for point, _ in zip(sequence, range(count * 4 + 512), strict=False)]


def _repeats(space: SearchSpace, evidence: Evidence, count: int, seed: int) -> list[Point]:
    """The best measured points again, in turn; those under measurement come last."""
    order = np.argsort(-evidence.values, kind="stable")
    ranked = list(dict.fromkeys(evidence.measured[index] for index in order))[: max(3, count)]
    if not ranked:
        ranked = space.from_uniform(np.random.default_rng(seed).random((1, len(space.parameters))))
    held = [_key(space, point) for point in evidence.pending]
    times = {point: held.count(_key(space, point)) for point in ranked}
    repeats = []
    for _ in range(count):
        point = min(ranked, key=lambda p: times[p])
        times[point] += 1
        repeats.append(point)
    return repeats
