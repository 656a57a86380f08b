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
from suggestion.evidence import Evidence
from suggestion.posterior import Posterior
from suggestion.repeats import best_again
from suggestion.search_space import Point, SearchSpace
from suggestion.surrogate import Surrogate

Array = NDArray[np.float64]
Key = tuple[str, ...]

_NUM_INCUMBENTS = 5
# Believing costs a pass over the candidates each; what is left of their spread after so many
# pending neighbours decides nothing.
_MAX_BELIEVED = 200
# The most promising opening is looked for step by step; the rest of a large batch is any points.
_MAX_OPENING = 32
_NUM_RENEWED = 256
# In a space that is too large to be listed, points must be evaluated anew at each step.
_MAX_PROMISED, _MAX_SAMPLED_OPENING = 1024, 8
# More suggestions than this at once are chosen from a list of those that are best for the first.
_MAX_AMONG_ALL = 10
_MIN_SHORTLIST = 512


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


def suggest(search: Search, evidence: Evidence, count: int) -> Suggestions:
    """Chooses ``count`` points. A pure function: equal arguments give equal suggestions.

    No point is suggested twice, or again while a trial holds or has measured it, as long as the
    space has others. After that the best points are measured again. The best of the points that
    were measured before the Experiment comes first: Katib ranks an Experiment's own trials only.

    Args:
        search: How to search.
        evidence: All trials of the request.
        count: How many points to suggest, at least 0.
    """
    space = search.space
    confirmed = evidence.unconfirmed
    taken = {_key(space, point) for point in evidence.taken if point != confirmed}
    chosen: list[Point] = []
    source = "initial"
    design = initial_design(space, search.initial_points, search.seed, search.budget)
    first = [] if confirmed is None else [confirmed]
    for point in [*first, *design[evidence.num_trials :]]:
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
        chosen, source = chosen + best_again(space, evidence, num_repeats, search.seed), "repeat"
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
    posterior, is_left = _believing_pending(search, evidence, points)
    if count > _MAX_AMONG_ALL and len(points) > (kept := max(_MIN_SHORTLIST, 8 * count)):
        score = _score(search, posterior, is_left)[is_left]
        points = [points[index] for index in np.sort(np.argsort(-score, kind="stable")[:kept])]
        posterior, is_left = _believing_pending(search, evidence, points)
    found: list[Point] = []
    while len(found) < min(count, len(points)):
        score = _score(search, posterior, is_left)
        index = int(np.where(is_left, score, -1.0).argmax())
        is_left[index] = False
        found.append(points[index])
        if len(found) < count:
            posterior = posterior.believing(index)
    return found


def _believing_pending(
    search: Search, evidence: Evidence, points: list[Point]
) -> tuple[Posterior, NDArray[np.bool_]]:
    """The posterior at the points, followed by pending ones; and which are points to choose."""
    pending = evidence.pending[-_MAX_BELIEVED:]
    posterior = search.surrogate.predict(evidence, [*points, *pending])
    is_left = np.arange(len(points) + len(pending)) < len(points)
    if pending:
        posterior = posterior.believing(*np.flatnonzero(~is_left).tolist())
    return posterior, is_left


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
    is_listed = search.space.size <= MAX_ENUMERATED
    some = points if is_listed else points[:_MAX_PROMISED]
    promise = search.surrogate.promise(evidence, some) if some else None
    if promise is None:
        return points[:count]
    # Whatever is pending can only lower a promise: an old one is a bound, and only the highest need
    # to be renewed ("accelerated greedy", Minoux 1978).
    bound, is_new = promise.copy(), np.ones(len(some), dtype=np.bool_)
    found: list[int] = []
    limit = min(count, len(some), _MAX_OPENING if is_listed else _MAX_SAMPLED_OPENING)
    while len(found) < limit:
        index = int(bound.argmax())
        if is_new[index]:
            found.append(index)
            bound[index], is_new[:] = -1.0, False
            continue
        renewed = np.argsort(-bound, kind="stable")[:_NUM_RENEWED]
        renewed = renewed[bound[renewed] >= 0]
        held = evidence.with_pending(points[i] for i in found)
        promise = search.surrogate.promise(held, [points[i] for i in renewed])
        assert promise is not None, "it was some before"
        bound[renewed], is_new[renewed] = promise, True
    chosen = set(found)
    rest = [point for index, point in enumerate(points) if index not in chosen]
    return [points[index] for index in found] + rest[: count - len(found)]


def _pool(search: Search, count: int) -> list[Point]:
    if search.space.size <= MAX_ENUMERATED:
        points = search.space.enumerate()
        order = np.random.default_rng(search.seed).permutation(len(points))
        return [points[index] for index in order]
    sequence = quasi_random(search.space, search.seed)
    return [point for point, _ in zip(sequence, range(count * 4 + 512), strict=False)]
