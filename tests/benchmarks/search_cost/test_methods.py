"""Every method that runs in this environment, and what is particular to each."""

import numpy as np
import pytest

from benchmarks.search_cost.method import Sample, Setup, is_ordered
from benchmarks.search_cost.methods.katib_skopt import KatibSkopt
from benchmarks.search_cost.methods.multilayer_perceptron import (
    adam,
    gradient,
    initial_weights,
    predict,
    sgd,
    train,
)
from benchmarks.search_cost.methods.networks import Ernest, FineTuning, encode
from benchmarks.search_cost.methods.optuna_tpe import OptunaTpe
from benchmarks.search_cost.methods.portfolio import Portfolio, greedy_order
from benchmarks.search_cost.methods.uniform import Uniform
from benchmarks.search_cost.run import measure, run_search
from tests.benchmarks.search_cost.cases import SIZE, bump, case, half_infeasible

TRAINING = [bump(9, "w/a/1"), bump(11, "w/b/1"), bump(20, "w/c/1")]


def fine_tuning() -> FineTuning:
    return FineTuning(pretraining_steps=300)


WITHOUT_REPEATS = [Uniform, Portfolio, OptunaTpe, fine_tuning, Ernest]


@pytest.mark.parametrize("method", WITHOUT_REPEATS)
@pytest.mark.parametrize("infeasible", ["failed", "zero"])
def test_samples_everything_once(method, infeasible):
    run = run_search(method(), half_infeasible(), Setup(infeasible=infeasible), TRAINING)
    assert run.is_solved
    assert len(set(run.samples)) == len(run.samples) <= SIZE


@pytest.mark.parametrize("method", [*WITHOUT_REPEATS, KatibSkopt])
def test_equal_seeds_give_equal_searches(method):
    setup = Setup(seed=3, cap=12, noise=0.03)
    first, second = (run_search(method(), bump(10), setup, TRAINING).samples for _ in range(2))
    assert first == second


@pytest.mark.parametrize("method", [Portfolio, fine_tuning])
def test_needs_training_cases(method):
    with pytest.raises(ValueError, match="needs training cases, but w/s/1 has none"):
        run_search(method(), bump(10), Setup())


def test_portfolio_takes_what_helps_most_on_average():
    shares = np.array(
        [
            [1.0, 0.0, 0.6, 0.2],
            [0.0, 1.0, 0.6, 0.1],
            [0.0, 0.9, 0.6, 0.0],
        ]
    )
    # Means: .33 .63 .60 .10. After 1 the best so far are 0 1 .9; 0 adds 1/3, 2 adds .2.
    # Then nothing helps any more, and the others follow by their means.
    assert greedy_order(shares) == [1, 0, 2, 3]


def test_skopt_proposes_a_failed_point_again():
    """As in Katib: failed trials are not told, so that nothing has changed."""
    search = KatibSkopt().start(half_infeasible(), (), Setup(seed=1))
    first = search.propose(())
    failed = (Sample(first, None),)
    assert [search.propose(failed * count) for count in (1, 2, 3)] == [first] * 3


def test_skopt_goes_on_once_a_trial_has_succeeded():
    search = KatibSkopt().start(half_infeasible(), (), Setup(seed=1))
    first = search.propose(())
    proposed = {search.propose([Sample(first, 0.0)] * count) for count in (1, 2, 3, 4)}
    assert len(proposed) > 1


def test_tpe_sees_an_order_in_numbers_only():
    assert [is_ordered(bump(1), name) for name in bump(1).parameters] == [True, True, False]


def test_encoding_keeps_order_and_choices():
    x = encode(bump(1))
    assert x.shape == (SIZE, 4)
    np.testing.assert_allclose(x[0], [0, 0, 1, 0])
    np.testing.assert_allclose(x[-1], [1, 1, 0, 1])
    np.testing.assert_allclose(x[8 + 3], [0.5, 1 / 3, 0, 1])


def test_gradient_is_that_of_the_mean_squared_error():
    rng = np.random.default_rng(0)
    weights = initial_weights(3, rng)
    x, y = rng.random((5, 3)).astype(np.float32), rng.random(5).astype(np.float32)

    def loss(changed):
        return float(((predict(changed, x).astype(float) - y) ** 2).mean())

    step = np.float32(1e-2)
    for layer, place in ((0, (1, 7)), (2, (3, 4)), (4, (9, 0)), (5, (0,))):
        slopes = []
        for sign in (1, -1):
            moved = [w.copy() for w in weights]
            moved[layer][place] += sign * step
            slopes.append(sign * loss(moved))
        assert sum(slopes) / (2 * step) == pytest.approx(
            gradient(weights, x, y)[layer][place], rel=0.02, abs=1e-4
        )


@pytest.mark.parametrize("update", [adam(1e-3), sgd(0.02, 0.9)])
def test_training_fits_few_points(update):
    rng = np.random.default_rng(0)
    x, y = rng.random((6, 3)).astype(np.float32), rng.random(6).astype(np.float32)
    weights = train(initial_weights(3, rng), x, y, update, steps=1000)
    assert np.abs(predict(weights, x) - y).max() < 0.05


def test_fine_tuning_starts_where_the_others_were_good():
    first = fine_tuning().start(bump(3), TRAINING[:2], Setup()).propose(())
    # The two training services peak at 9 and 11 and fall slowly.
    assert bump(10).values[first] >= 97


def test_a_failed_sample_is_zero_to_a_network():
    searched = case(bump(10).values)
    search = Ernest().start(searched, (), Setup())
    value = measure(searched, 0, Setup())
    assert search.propose((Sample(0, value), Sample(23, None))) not in (0, 23)
