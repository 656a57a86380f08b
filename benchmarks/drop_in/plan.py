"""Which runs the benchmark consists of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.drop_in.results import Key
from benchmarks.drop_in.suites import FIRST_INSTANCE, PARALLEL, SUITES

BUDGET = 50
NAMES = ("morphling", "skopt", "tpe", "hyperopt", "random")
_NUM_PARALLEL = 5


@dataclass(frozen=True)
class Scope:
    """How much is run: the suite, the methods, and instances and seeds of each problem."""

    suite: str = "test"
    methods: Sequence[str] = NAMES
    num_instances: int = 10
    num_seeds: int = 3


def plan(scope: Scope) -> Iterator[Key]:
    """All runs; every problem a little before any problem more, so that a part is balanced."""
    problems = SUITES[scope.suite]
    first = FIRST_INSTANCE[scope.suite]
    instances = range(first, first + scope.num_instances)
    for seed in range(scope.num_seeds):
        for instance in instances:
            for problem in problems:
                for method in scope.methods:
                    yield Key(problem.name, instance, method, seed, 1)
    for instance in instances:
        for problem in PARALLEL if scope.suite == "test" else ():
            for method in scope.methods:
                yield Key(problem.name, instance, method, 0, _NUM_PARALLEL)
