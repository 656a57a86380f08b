"""The designer's promises, as properties over random spaces and histories."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from suggestion.designer import Search, Suggestions, suggest
from suggestion.evidence import Evidence, evidence_of
from suggestion.gaussian_process import GaussianProcess
from suggestion.katib import experiment_from_proto
from suggestion.posterior import Posterior
from suggestion.search_space import Point, SearchSpace
from suggestion.trial import Direction, Trial, TrialState
from tests.suggestion.experiments import MIXED, experiment, parameter

MIXED_SPACE = experiment_from_proto(experiment(*MIXED)).space
CONTINUOUS = experiment_from_proto(
    experiment(
        parameter("rate", "DOUBLE", low="1e-5", high="0.1", distribution="LOG_UNIFORM"),
        parameter("drop", "DOUBLE", low="0", high="0.6", distribution="NORMAL"),
        parameter("kind", "CATEGORICAL", values=["a", "b", "c"]),
    )
).space
TINY = experiment_from_proto(experiment(parameter("x", "INT", low="1", high="3"))).space


def ask(
    space: SearchSpace,
    trials: list[Trial],
    count: int = 1,
    *,
    direction: Direction = Direction.MAXIMIZE,
    acquisition: str = "expected_improvement",
    initial_points: str = "auto",
    seed: int = 1,
    budget: int = 0,
) -> Suggestions:
    search = Search(
        space=space,
        surrogate=GaussianProcess(space),
        name="gp",
        acquisition=acquisition,
        exploration_weight=1.8,
        initial_points=initial_points,
        seed=seed,
        budget=budget,
    )
    return suggest(search, evidence_of(space, trials, direction), count)


def measured(assignments: dict[str, str], value: float, number: int = 0) -> Trial:
    return Trial(f"t{number}", assignments, TrialState.MEASURED, value)


def some_trials(space: SearchSpace, count: int, seed: int) -> list[Trial]:
    rng = random.Random(seed)
    trials = []
    for number, assignments in enumerate(ask(space, [], count, seed=seed).assignments):
        state = rng.choice(list(TrialState))
        value = rng.uniform(1, 100) if state is TrialState.MEASURED else None
        trials.append(Trial(f"t{number}", assignments, state, value))
    return trials


@settings(max_examples=30, deadline=None)
@given(
    space=st.sampled_from([MIXED_SPACE, CONTINUOUS]),
    num_trials=st.integers(0, 12),
    count=st.integers(0, 6),
    seed=st.integers(0, 1000),
    method=st.sampled_from([("expected_improvement", "auto"), ("ucb", "none")]),
)
def test_suggestions_are_new_valid_and_independent_of_the_order(
    space: SearchSpace, num_trials: int, count: int, seed: int, method: tuple[str, str]
):
    trials = some_trials(space, num_trials, seed)
    how = {"acquisition": method[0], "initial_points": method[1], "seed": seed}
    found = ask(space, trials, count, **how)  # type: ignore[arg-type]
    texts = [tuple(a.values()) for a in found.assignments]
    assert len(texts) == len(set(texts)) == count
    held = {tuple(trial.assignments.values()) for trial in trials}
    assert not held & set(texts)
    assert all(space.point_of(a) is not None for a in found.assignments)
    shuffled = random.Random(seed).sample(trials, len(trials))
    assert ask(space, shuffled, count, **how) == found  # type: ignore[arg-type]


def test_seed_changes_the_design():
    first, second = (ask(CONTINUOUS, [], 4, seed=seed).assignments for seed in (1, 2))
    assert first[0] == second[0]  # the centre
    assert first[1:] != second[1:]


@pytest.mark.parametrize("direction", [Direction.MAXIMIZE, Direction.MINIMIZE])
def test_it_climbs_towards_the_better_end(direction: Direction):
    space = experiment_from_proto(experiment(parameter("x", "INT", low="0", high="20"))).space
    sign = 1 if direction is Direction.MAXIMIZE else -1
    trials = [measured({"x": str(x)}, sign * (100.0 + x), x) for x in (1, 5, 9, 12)]
    found = ask(space, trials, direction=direction, initial_points="none")
    assert int(found.assignments[0]["x"]) > 12
    assert found.source == "gp"


def test_twelve_trials_find_a_good_point_of_288():
    def rate(assignments: dict[str, str]) -> float:
        cores, share = int(assignments["cpu"]), float(assignments["share"])
        batch, gpu = int(assignments["batch"]), 1.0 + 0.8 * (assignments["gpu"] == "V100")
        return 100 * min(cores * 20, batch**0.7 * 30 * share * gpu) / (1 + batch / 40)

    best = max(rate(MIXED_SPACE.assignments_of(point)) for point in MIXED_SPACE.enumerate())
    trials: list[Trial] = []
    for number in range(12):
        assignments = ask(MIXED_SPACE, trials, budget=12).assignments[0]
        trials.append(measured(assignments, rate(assignments), number))
    assert max(trial.value or 0 for trial in trials) > 0.9 * best


def test_failures_are_kept_away_from():
    space = experiment_from_proto(experiment(parameter("x", "INT", low="0", high="40"))).space
    trials = [Trial(f"f{x}", {"x": str(x)}, TrialState.INFEASIBLE) for x in (30, 33, 36, 39)] + [
        measured({"x": str(x)}, float(x), x) for x in (5, 15, 22)
    ]
    found = ask(space, trials, initial_points="none")
    assert 22 < int(found.assignments[0]["x"]) < 30


def test_an_exhausted_space_measures_the_best_again():
    trials = [measured({"x": x}, value) for x, value in (("1", 5.0), ("2", 9.0), ("3", 8.9))]
    found = ask(TINY, trials, 2)
    assert (found.source, found.num_repeats) == ("repeat", 2)
    assert [a["x"] for a in found.assignments] == ["2", "3"]


def test_what_was_known_before_is_confirmed_first_and_not_measured_again():
    prior = [
        Trial(f"p{x}", {"x": str(x)}, TrialState.MEASURED, value, is_prior=True)
        for x, value in ((1, 4.0), (2, 9.0))
    ]
    assert ask(TINY, prior).assignments[0]["x"] == "2"
    confirmed = [*prior, measured({"x": "2"}, 8.0)]
    assert ask(TINY, confirmed).assignments[0]["x"] == "3"
    assert ask(TINY, [*confirmed, measured({"x": "3"}, 1.0, 1)]).num_repeats == 1


def test_a_configuration_without_a_usable_value_is_not_tried_again():
    trials = [Trial("n", {"x": "2"}, TrialState.UNUSABLE, problem="NaN")]
    found = ask(TINY, trials, 2)
    assert sorted(a["x"] for a in found.assignments) == ["1", "3"]


def test_the_last_new_points_come_before_any_repeat():
    found = ask(TINY, [measured({"x": "2"}, 1.0)], 4)
    assert sorted(a["x"] for a in found.assignments[:2]) == ["1", "3"]
    assert found.num_repeats == 2


def test_a_space_of_pending_trials_only():
    trials = [Trial(f"p{x}", {"x": str(x)}, TrialState.PENDING) for x in (1, 2, 3)]
    found = ask(TINY, trials, 1)
    assert found.num_repeats == 1
    assert found.assignments[0]["x"] in ("1", "2", "3")


@pytest.mark.parametrize(
    "foreign",
    [{"other": "1"}, {"x": "99"}, {"x": "abc"}, {"x": "1", "y": "2"}, {}],
)
def test_trials_that_do_not_fit_are_ignored(foreign: dict[str, str]):
    assert ask(TINY, [measured(foreign, 1e9)], 2) == ask(TINY, [], 2)


def test_corners_are_every_combination_of_ends():
    space = experiment_from_proto(
        experiment(
            parameter("cpu", "INT", low="1", high="5"),
            parameter("memory", "DISCRETE", values=["5", "40", "20"]),
            parameter("gpu", "CATEGORICAL", values=["T4", "V100"]),
        )
    ).space
    found = ask(space, [], 4, initial_points="corners")
    assert [tuple(a.values()) for a in found.assignments] == [
        ("1", "5", "T4"),
        ("1", "40", "T4"),
        ("5", "5", "T4"),
        ("5", "40", "T4"),
    ]


def test_a_number_of_initial_points():
    trials = [measured(a, 1.0 + n, n) for n, a in enumerate(ask(MIXED_SPACE, [], 5).assignments)]
    assert ask(MIXED_SPACE, trials, initial_points="6").source == "initial"
    assert ask(MIXED_SPACE, [*trials, trials[0]], initial_points="6").source == "gp"


def test_equal_values_everywhere_are_no_trouble():
    trials = [measured(a, 3.0, n) for n, a in enumerate(ask(MIXED_SPACE, [], 8).assignments)]
    assert len(ask(MIXED_SPACE, trials, 3).assignments) == 3


def test_large_space_with_many_parameters():
    space = experiment_from_proto(
        experiment(*(parameter(f"p{i}", "INT", low="0", high="9") for i in range(20)))
    ).space
    assert space.size == 10**20
    trials = some_trials(space, 10, 1)
    assert len(ask(space, trials, 3).assignments) == 3


@dataclass(frozen=True)
class Covering:
    """Promises of a point: what it covers of a line around it, beyond what pending ones cover."""

    reach: float = 3.0

    def predict(self, evidence: Evidence, candidates: Sequence[Point]) -> Posterior:
        raise AssertionError("nothing has been measured")

    def promise(self, evidence: Evidence, candidates: Sequence[Point]) -> NDArray[np.float64]:
        line = np.arange(500.0)
        weight = np.sin(line) + 1.1

        def covered(points: Sequence[Point]) -> NDArray[np.bool_]:
            at = np.array(points).reshape(len(points), 1)
            return np.asarray(np.abs(at - line) <= self.reach)

        held = covered(evidence.pending).any(axis=0)
        return np.asarray((covered(candidates) & ~held) @ weight)


def test_an_opening_is_greedy_step_by_step():
    space = experiment_from_proto(experiment(parameter("x", "INT", low="0", high="499"))).space
    search = Search(space, Covering(), "s", "ucb", 1.0, "none", seed=1, budget=0)
    found = [
        a["x"]
        for a in suggest(search, evidence_of(search.space, [], Direction.MAXIMIZE), 20).assignments
    ]
    trials: list[Trial] = []
    for number in range(20):
        evidence = evidence_of(search.space, trials, Direction.MAXIMIZE)
        (one,) = suggest(search, evidence, 1).assignments
        trials.append(Trial(f"t{number}", one, TrialState.PENDING))
    assert found == [trial.assignments["x"] for trial in trials]


def test_many_suggestions_at_once_are_new():
    space = experiment_from_proto(experiment(parameter("x", "INT", low="0", high="999"))).space
    trials = [measured({"x": str(x)}, float(x), x) for x in range(0, 1000, 100)]
    found = [a["x"] for a in ask(space, trials, 60, initial_points="none").assignments]
    assert len(set(found)) == 60
    assert not set(found) & {t.assignments["x"] for t in trials}
    assert all(int(x) > 500 for x in found[:3])
