"""Every method gets better than chance on a sphere, alone and five at a time."""

import pytest

from benchmarks.drop_in.execute import method_named
from benchmarks.drop_in.plan import NAMES
from benchmarks.drop_in.problem import mixed
from benchmarks.drop_in.search import run_search

SPHERE = mixed(1, ["double", "int", "discrete", "categorical"]).instance(101)


@pytest.mark.parametrize("parallel", [1, 5])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "skopt"])
def test_search(name: str, parallel: int):
    run = run_search(method_named(name), SPHERE, 0, 30, parallel)
    assert len(run.regrets) == run.num_proposals == 30
    assert list(run.regrets) == sorted(run.regrets, reverse=True)
    assert run.regrets[-1] < 0.3


def test_katibs_skopt():
    # More trials would take seconds each.
    run = run_search(method_named("skopt"), SPHERE, 0, 12, 3)
    assert run.num_proposals == 12
    assert run.regrets[-1] < 1


@pytest.mark.parametrize("name", ["morphling", "tpe", "hyperopt", "random"])
def test_a_seed_repeats_a_search(name: str):
    runs = [run_search(method_named(name), SPHERE, seed, 12, 1).regrets for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
