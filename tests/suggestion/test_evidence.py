"""What trials teach, in an order of its own and in a bounded number."""

import random

import numpy as np

from suggestion.evidence import Evidence, evidence_of
from suggestion.trial import Direction, Trial, TrialState
from tests.suggestion.experiments import parameter
from tests.suggestion.libraries import space

LINE = space(parameter("x", "INT", low="0", high="999"))


def test_namesakes_keep_an_order_of_their_own():
    trials = [Trial("t", {"x": "5"}, TrialState.MEASURED, float(v)) for v in (3, 1, 2)]
    for seed in range(4):
        shuffled = random.Random(seed).sample(trials, 3)
        assert evidence_of(LINE, shuffled, Direction.MAXIMIZE).values.tolist() == [1, 2, 3]


def test_few_trials_are_not_thinned():
    some = Evidence(((1.0,), (2.0,)), np.array([1.0, 2.0]), ((3.0,),), ((4.0,),))
    assert some.thinned(2).measured == some.measured
    assert some.thinned(2).infeasible == some.infeasible


def test_thinning_keeps_the_best_half_and_an_even_pick_in_order():
    values = np.arange(100.0)
    many = Evidence(
        measured=tuple((value,) for value in values),
        values=values,
        infeasible=tuple((value,) for value in values),
        pending=((7.0,),),
    )
    thinned = many.thinned(10)
    kept = [point[0] for point in thinned.measured]
    assert kept == sorted(kept) == thinned.values.tolist()
    assert kept[-5:] == [95, 96, 97, 98, 99]
    assert kept[:5] == [0, 23, 47, 70, 94]
    assert len(thinned.infeasible) == 10
    assert thinned.pending == ((7.0,),)


def state_counts(*trials: Trial, direction: Direction = Direction.MAXIMIZE) -> dict[str, int]:
    counts = evidence_of(LINE, trials, direction).counts
    return {state: number for state, number in counts.items() if number}


def valued(x: int, value: float, *, is_prior: bool = False) -> Trial:
    return Trial(f"t{x}", {"x": str(x)}, TrialState.MEASURED, value, is_prior=is_prior)


def test_a_rate_of_zero_is_a_flag_but_a_cost_of_zero_is_a_value():
    assert state_counts(valued(1, 0.0), valued(2, 5.0)) == {"infeasible": 1, "measured": 1}
    assert state_counts(valued(1, 0.0), direction=Direction.MINIMIZE) == {"measured": 1}


def test_zero_is_a_value_where_others_are_below_it():
    # Such as the logarithm of a likelihood, or a loss with its sign turned.
    found = evidence_of(LINE, [valued(1, -2.0), valued(2, 0.0)], Direction.MAXIMIZE)
    assert found.values.tolist() == [-2.0, 0.0]


def test_every_trial_is_counted_once():
    trials = [
        valued(1, 3.0),
        Trial("f", {"x": "2"}, TrialState.INFEASIBLE),
        Trial("p", {"x": "3"}, TrialState.PENDING),
        Trial("u", {"x": "4"}, TrialState.UNUSABLE, problem="NaN"),
        Trial("o", {"y": "1"}, TrialState.PENDING),
        Trial("q", {"x": "1000"}, TrialState.INFEASIBLE),
    ]
    assert evidence_of(LINE, trials, Direction.MAXIMIZE).counts == {
        "measured": 1, "infeasible": 1, "pending": 1, "unusable": 1, "foreign": 2,
    }  # fmt: skip
    assert len(evidence_of(LINE, trials, Direction.MAXIMIZE).taken) == 4


def test_the_best_of_before_is_unconfirmed_until_it_has_a_trial():
    prior = [valued(1, 4.0, is_prior=True), valued(2, 9.0, is_prior=True)]
    assert evidence_of(LINE, prior, Direction.MAXIMIZE).unconfirmed == (2.0,)
    assert evidence_of(LINE, prior, Direction.MINIMIZE).unconfirmed == (1.0,)
    pending = Trial("p", {"x": "2"}, TrialState.PENDING)
    assert evidence_of(LINE, [*prior, pending], Direction.MAXIMIZE).unconfirmed is None
    assert evidence_of(LINE, [valued(7, 1.0)], Direction.MAXIMIZE).unconfirmed is None


def test_nothing_is_confirmed_when_nothing_ran():
    prior = [valued(1, 0.0, is_prior=True)]
    assert evidence_of(LINE, prior, Direction.MAXIMIZE).unconfirmed is None
