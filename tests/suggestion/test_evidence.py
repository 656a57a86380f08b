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
