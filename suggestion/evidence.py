"""What the trials of a request say about a search space."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from suggestion.search_space import Point, SearchSpace
from suggestion.trial import Direction, Trial, TrialState

Array = NDArray[np.float64]

# For models whose cost grows with the trials: more would take seconds and hundreds of MiB, and tell
# little that is new.
MAX_TRIALS = 300


@dataclass(frozen=True)
class Evidence:
    """Trials that fit the space, as points, in an order that does not depend on the request's.

    Attributes:
        measured: Points with a value, in order of completion.
        values: Their objective, larger is better, shape ``[n]``.
        infeasible: Points where the service does not run.
        pending: Points under measurement.
    """

    measured: tuple[Point, ...]
    values: Array
    infeasible: tuple[Point, ...]
    pending: tuple[Point, ...]

    @property
    def num_trials(self) -> int:
        return len(self.measured) + len(self.infeasible) + len(self.pending)

    @property
    def outcomes(self) -> tuple[Point, ...]:
        """Points of which is known whether the service runs there."""
        return (*self.measured, *self.infeasible)

    @property
    def is_feasible(self) -> NDArray[np.bool_]:
        """Whether it does, in the order of ``outcomes``."""
        return np.arange(len(self.outcomes)) < len(self.measured)

    def thinned(self, limit: int) -> "Evidence":
        """At most ``limit`` measured points, half of them the best, and as many infeasible ones.

        Of the others an even pick in their order, with the newest.
        """
        kept = np.arange(len(self.measured))
        if len(kept) > limit:
            ranked = np.argsort(-self.values, kind="stable")
            best, rest = ranked[: limit // 2], np.sort(ranked[limit // 2 :])
            kept = np.sort(np.concatenate([best, _even_pick(rest, limit - limit // 2)]))
        failed = _even_pick(np.arange(len(self.infeasible)), limit)
        return replace(
            self,
            measured=tuple(self.measured[index] for index in kept),
            values=self.values[kept],
            infeasible=tuple(self.infeasible[index] for index in failed),
        )

    def with_pending(self, points: Iterable[Point]) -> "Evidence":
        """As if more points were under measurement."""
        return replace(self, pending=(*self.pending, *points))


def _even_pick(indices: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    if len(indices) <= count:
        return indices
    return np.asarray(indices[np.linspace(0, len(indices) - 1, count).astype(int)])


def evidence_of(space: SearchSpace, trials: Sequence[Trial], direction: Direction) -> Evidence:
    """Sorts trials by what they teach; those that do not fit the space are left out."""
    points: dict[TrialState, list[Point]] = {state: [] for state in TrialState}
    values = []
    sign = 1.0 if direction is Direction.MAXIMIZE else -1.0
    for trial in sorted(trials, key=_order):
        point = space.point_of(trial.assignments)
        if point is None:
            continue
        points[trial.state].append(point)
        if trial.value is not None:
            values.append(sign * trial.value)
    return Evidence(
        measured=tuple(points[TrialState.MEASURED]),
        values=np.array(values, dtype=np.float64),
        infeasible=tuple(points[TrialState.INFEASIBLE]),
        pending=tuple(points[TrialState.PENDING]),
    )


def _order(trial: Trial) -> tuple[str, str, list[tuple[str, str]], float]:
    # Names are unique within an Experiment, but Katib lists trials of namesakes as well.
    value = 0.0 if trial.value is None else trial.value
    return trial.completion_time, trial.name, sorted(trial.assignments.items()), value
