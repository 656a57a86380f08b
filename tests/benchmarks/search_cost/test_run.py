import numpy as np
import pytest

from benchmarks.search_cost.method import Sample, Setup
from benchmarks.search_cost.run import measure, run_search
from tests.benchmarks.search_cost.cases import SIZE, bump, case, half_infeasible


class Script:
    """Proposes what it is told to and remembers what it saw."""

    name = "script"

    def __init__(self, *indices: int) -> None:
        self._indices = indices
        self.seen: list[tuple[Sample, ...]] = []

    def start(self, case, training, setup):
        self._left = iter(self._indices)
        return self

    def propose(self, samples):
        self.seen.append(samples)
        return next(self._left)


def test_stops_at_the_optimum_and_counts_it():
    run = run_search(Script(3, 5, 10, 7), bump(10), Setup())
    assert run.samples == (3, 5, 10)
    assert run.best == pytest.approx((0.93, 0.95, 1.0))
    assert run.is_solved
    assert len(run.cpu_seconds) == len(run.wall_seconds) == 3


def test_a_tie_with_the_optimum_is_the_optimum():
    values = np.ones(SIZE)
    values[4] = 1 + 1e-12
    values[:4] = 0.5
    assert run_search(Script(0, 9), case(values), Setup()).samples == (0, 9)


def test_gives_up_at_the_cap():
    run = run_search(Script(0, 1, 2), bump(10), Setup(cap=2))
    assert run.samples == (0, 1)
    assert not run.is_solved


def test_a_repeated_configuration_is_counted_again():
    run = run_search(Script(0, 0, 0, 10), bump(10), Setup())
    assert run.samples == (0, 0, 0, 10)


def test_given_points_are_samples_that_cost_no_suggestion():
    script = Script(5, 10)
    searched = case(bump(10).values, initial_points=(0, 23))
    run = run_search(script, searched, Setup(start="corners"))
    assert run.samples == (0, 23, 5, 10)
    assert len(run.cpu_seconds) == 2
    assert [sample.index for sample in script.seen[0]] == [0, 23]


def test_given_points_may_hold_the_optimum():
    searched = case(bump(10).values, initial_points=(0, 10, 23))
    assert run_search(Script(), searched, Setup(start="corners")).samples == (0, 10)


def test_failures_are_none_or_zero():
    searched = half_infeasible()
    assert measure(searched, 0, Setup(infeasible="failed")) is None
    assert measure(searched, 0, Setup(infeasible="zero", noise=0.03)) == 0.0


def test_noise_depends_on_case_seed_and_configuration_only():
    setup = Setup(noise=0.03)
    first = measure(bump(10), 3, setup)
    assert first == measure(bump(10), 3, setup)
    assert first != measure(bump(10), 3, Setup(noise=0.03, seed=1))
    assert first != measure(bump(10, "w/other/1"), 3, setup)
    assert measure(bump(10), 3, Setup()) == 93.0


def test_noise_has_the_size_asked_for():
    flat = case(np.full(SIZE, 50.0))
    measured = [
        measure(flat, index, Setup(noise=0.03, seed=seed))
        for seed in range(50)
        for index in range(SIZE)
    ]
    # 1,200 draws: the deviation's own standard error is 2 %.
    assert np.std(measured) / 50 == pytest.approx(0.03, rel=0.08)
    assert np.mean(measured) == pytest.approx(50, rel=0.004)


def test_truth_and_not_noise_decides():
    """A noisy value above the maximum does not end the search."""
    values = np.full(SIZE, 99.99)
    values[23] = 100.0
    noisy = Setup(noise=0.2)
    searched = case(values)
    assert max(measure(searched, i, noisy) or 0 for i in range(23)) > 100
    run = run_search(Script(*range(SIZE)), searched, noisy)
    assert run.samples == tuple(range(SIZE))


@pytest.mark.parametrize(
    ("searched", "setup", "message"),
    [
        (case(np.zeros(SIZE)), Setup(), "must have a value above 0, but w/s/1 has none"),
        (bump(1), Setup(start="corners"), "needs initial points, but w/s/1 has none"),
    ],
)
def test_refuses_what_cannot_be_searched(searched, setup, message):
    with pytest.raises(ValueError, match=message):
        run_search(Script(), searched, setup)
