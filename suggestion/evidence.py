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
        unusable: Points of trials that ended without a value that can be used.
        unconfirmed: The best point measured before the Experiment, if it has no trial there yet.
        num_foreign: Trials that do not fit the space.
    """

    measured: tuple[Point, ...]
    values: Array
    infeasible: tuple[Point, ...]
    pending: tuple[Point, ...]
    unusable: tuple[Point, ...] = ()
    unconfirmed: Point | None = None
    num_foreign: int = 0

    @property
    def num_trials(self) -> int:
        return len(self.measured) + len(self.infeasible) + len(self.pending)

    @property
    def outcomes(self) -> tuple[Point, ...]:
        """Points of which is known whether the service runs there."""
        return (*self.measured, *self.infeasible)

    @property
    def counts(self) -> dict[str, int]:
        """Number of trials by what they teach; ``foreign`` are those that do not fit the space."""
        return {
            "measured": len(self.measured),
            "infeasible": len(self.infeasible),
            "pending": len(self.pending),
            "unusable": len(self.unusable),
            "foreign": self.num_foreign,
        }

    @property
    def taken(self) -> tuple[Point, ...]:
        """Points that need no trial as long as there are others."""
        return (*self.outcomes, *self.pending, *self.unusable)

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
    """Sorts trials by what they teach.

    A rate of exactly 0 says that the service does not run there. What is maximised and has values
    below 0 is no rate, and its 0 a value like others.
    """
    fitting = [(trial, space.point_of(trial.assignments)) for trial in sorted(trials, key=_order)]
    known = [(trial, point) for trial, point in fitting if point is not None]
    is_rate = direction is Direction.MAXIMIZE and all((t.value or 0) >= 0 for t, _ in known)
    sign = 1.0 if direction is Direction.MAXIMIZE else -1.0
    points: dict[TrialState, list[Point]] = {state: [] for state in TrialState}
    values, prior_values = [], {}
    for trial, point in known:
        if trial.value is None or (is_rate and trial.value == 0):
            state = TrialState.INFEASIBLE if trial.value is not None else trial.state
            points[state].append(point)
            continue
        points[TrialState.MEASURED].append(point)
        values.append(sign * trial.value)
        if trial.is_prior:
            prior_values[point] = sign * trial.value
    best = max(prior_values, key=lambda point: prior_values[point], default=None)
    tried = {point for trial, point in known if not trial.is_prior}
    return Evidence(
        measured=tuple(points[TrialState.MEASURED]),
        values=np.array(values, dtype=np.float64),
        infeasible=tuple(points[TrialState.INFEASIBLE]),
        pending=tuple(points[TrialState.PENDING]),
        unusable=tuple(points[TrialState.UNUSABLE]),
        unconfirmed=None if best in tried else best,
        num_foreign=len(fitting) - len(known),
    )


def _order(trial: Trial) -> tuple[str, str, list[tuple[str, str]], float]:
    # Names are unique within an Experiment, but Katib lists trials of namesakes as well.
    value = 0.0 if trial.value is None else trial.value
    return trial.completion_time, trial.name, sorted(trial.assignments.items()), value
