from dataclasses import replace

from benchmarks.search_cost.method import Setup
from benchmarks.search_cost.methods.altered import Altered, AlteredChooser
from benchmarks.search_cost.methods.ours import Services
from benchmarks.search_cost.run import run_search
from tests.benchmarks.search_cost.cases import bump


def test_the_services_search_is_the_altered_one():
    seen = []

    def altered(search):
        seen.append(search)
        return replace(search, initial_points="none", acquisition="ucb", exploration_weight=0.0)

    with Services(lambda library: AlteredChooser(library, altered)) as services:
        method = Altered("mine", services, {"surrogate": "gp"})
        run = run_search(method, bump(10), Setup(seed=3, cap=4))
    assert len(run.samples) == len(seen) == 4
    assert {(search.name, search.acquisition) for search in seen} == {
        ("gp", "expected_improvement")
    }
