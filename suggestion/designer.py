"""The search: trials and a space in, points to measure out. Knows no gRPC, keeps no state."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suggestion.acquisition import expected_improvement, upper_confidence_bound
from suggestion.candidates import candidate_points, initial_design, quasi_random
from suggestion.feasibility import feasible_probability
from suggestion.gaussian_process import GaussianProcess
from suggestion.search_space import Point, SearchSpace
from suggestion.settings import Settings
from suggestion.surrogate import Posterior, Surrogate
from suggestion.trial import Direction, Trial, TrialState

Array = NDArray[np.float64]

_NUM_INCUMBENTS = 5
# How far to look along the quasi-random sequence for a point that has not been taken.
_MAX_TRIES = 20_000


@dataclass(frozen=True)
class Suggestions:
    """What to measure next.

    Attributes:
        assignments: Parameter name to text, one mapping a suggestion.
        source: What chose the last of them: ``initial``, ``gp`` or ``repeat``.
        num_repeats: How many repeat a point because the space is exhausted.
    """

    assignments: tuple[dict[str, str], ...]
    source: str
    num_repeats: int


@dataclass(frozen=True)
class _History:
    """Trials that fit the space, as points, in an order that does not depend on the request's."""

    measured: list[Point]
    values: Array  # larger is better
    infeasible: list[Point]
    pending: list[Point]

    @property
    def num_trials(self) -> int:
        return len(self.measured) + len(self.infeasible) + len(self.pending)


def suggest(
    space: SearchSpace,
    trials: Sequence[Trial],
    count: int,
    *,
    direction: Direction,
    settings: Settings,
    seed: int,
    budget: int,
) -> Suggestions:
    """Chooses ``count`` points. A pure function: equal arguments give equal suggestions.

    No point is suggested twice, or again while a trial holds or has measured it, as long as the
    space has others. After that the best points are measured again.

    Args:
        space: What to search.
        trials: All trials of the request, in any order; those that do not fit are ignored.
        count: How many points to suggest, at least 0.
        direction: Whether larger objectives are better.
        settings: How to search.
        seed: Seed; equal for all requests of an Experiment.
        budget: maxTrialCount; 0 when unlimited.
    """
    history = _history(space, trials, direction)
    taken = {
        _key(space, point) for point in [*history.measured, *history.infeasible, *history.pending]
    }
    chosen: list[Point] = []
    source = "initial"
    for point in initial_design(space, settings, seed, budget)[history.num_trials :]:
        if len(chosen) < count and _key(space, point) not in taken:
            taken.add(_key(space, point))
            chosen.append(point)
    missing = count - len(chosen)
    if missing and history.measured:
        found = _by_acquisition(space, history, chosen, taken, missing, settings, seed)
        chosen, source = chosen + found, settings.surrogate
    elif missing:
        chosen += _unseen(space, history, taken, missing, seed)
    num_repeats = count - len(chosen)
    if num_repeats:
        chosen, source = chosen + _repeats(space, history, num_repeats, seed), "repeat"
    return Suggestions(tuple(space.assignments_of(p) for p in chosen), source, num_repeats)


def _history(space: SearchSpace, trials: Sequence[Trial], direction: Direction) -> _History:
    points: dict[TrialState, list[Point]] = {state: [] for state in TrialState}
    values = []
    sign = 1.0 if direction is Direction.MAXIMIZE else -1.0
    for trial in sorted(trials, key=lambda t: (t.name, sorted(t.assignments.items()))):
        point = space.point_of(trial.assignments)
        if point is None:
            continue
        points[trial.state].append(point)
        if trial.value is not None:
            values.append(sign * trial.value)
    return _History(
        measured=points[TrialState.MEASURED],
        values=np.array(values, dtype=np.float64),
        infeasible=points[TrialState.INFEASIBLE],
        pending=points[TrialState.PENDING],
    )


def _key(space: SearchSpace, point: Point) -> tuple[str, ...]:
    """Identity of a point: two points are one when they are rendered alike."""
    return tuple(space.assignments_of(point).values())


def _by_acquisition(
    space: SearchSpace,
    history: _History,
    chosen: Sequence[Point],
    taken: set[tuple[str, ...]],
    count: int,
    settings: Settings,
    seed: int,
) -> list[Point]:
    order = np.argsort(-history.values, kind="stable")[:_NUM_INCUMBENTS]
    incumbents = [history.measured[index] for index in order]
    candidates = candidate_points(space, incumbents, history.num_trials, seed)
    unique = {_key(space, point): point for point in candidates}
    points = [point for key, point in unique.items() if key not in taken]
    if not points:
        return []
    encoded = space.encode(points)
    surrogate: Surrogate = GaussianProcess(space.groups)
    posterior = surrogate.predict(
        space.encode(history.measured),
        history.values,
        space.encode([*history.pending, *chosen]),
        encoded,
    )
    feasible = feasible_probability(
        space.encode([*history.measured, *history.infeasible]),
        np.arange(len(history.measured) + len(history.infeasible)) < len(history.measured),
        encoded,
        space.groups,
    )
    found: list[Point] = []
    is_left = np.ones(len(points), dtype=np.bool_)
    while len(found) < min(count, len(points)):
        score = _score(posterior, settings) * feasible
        if not score[is_left].any():
            # No improvement is expected anywhere: the most promising uncertain point will do.
            score = np.exp(posterior.mean - posterior.mean.max()) * posterior.sigma * feasible
        index = int(np.where(is_left, score, -1.0).argmax())
        is_left[index] = False
        found.append(points[index])
        if len(found) < count:
            posterior = posterior.believing(index)
    return found


def _score(posterior: Posterior, settings: Settings) -> Array:
    if settings.acquisition == "ucb":
        return upper_confidence_bound(posterior, settings.exploration_weight)
    return expected_improvement(posterior)


def _unseen(
    space: SearchSpace, history: _History, taken: set[tuple[str, ...]], count: int, seed: int
) -> list[Point]:
    """Points that nothing is known of; far from failures when there were any."""
    if space.size <= _MAX_TRIES:
        pool = space.enumerate()
        order = np.random.default_rng(seed).permutation(len(pool))
        pool = [pool[index] for index in order]
    else:
        sequence = quasi_random(space, seed)
        pool = [point for point, _ in zip(sequence, range(count * 4 + 512), strict=False)]
    unique = {_key(space, point): point for point in pool}
    points = [point for key, point in unique.items() if key not in taken]
    if history.infeasible and points:
        outcomes = np.zeros(len(history.infeasible), dtype=np.bool_)
        feasible = feasible_probability(
            space.encode(history.infeasible), outcomes, space.encode(points), space.groups
        )
        points = [points[index] for index in np.argsort(-feasible, kind="stable")]
    return points[:count]


def _repeats(space: SearchSpace, history: _History, count: int, seed: int) -> list[Point]:
    """The best measured points again, in turn; those under measurement come last."""
    order = np.argsort(-history.values, kind="stable")
    ranked = list(dict.fromkeys(history.measured[index] for index in order))[: max(3, count)]
    if not ranked:
        ranked = space.from_uniform(np.random.default_rng(seed).random((1, len(space.parameters))))
    held = [_key(space, point) for point in history.pending]
    times = {point: held.count(_key(space, point)) for point in ranked}
    repeats = []
    for _ in range(count):
        point = min(ranked, key=lambda p: times[p])
        times[point] += 1
        repeats.append(point)
    return repeats
