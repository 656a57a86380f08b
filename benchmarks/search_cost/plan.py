"""Which runs a benchmark consists of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.search_cost.case import Case
from benchmarks.search_cost.method import Setup
from benchmarks.search_cost.methods.ours import PRICED
from benchmarks.search_cost.methods.registry import SLOW
from benchmarks.search_cost.results import Key
from benchmarks.search_cost.suites import (
    FIRST_OF_WORLD,
    SUITES,
    WITH_SLOW_METHODS,
    Condition,
    problems_of,
)
from suggestion.knobs import CPU_CORES


@dataclass(frozen=True)
class Scope:
    """How much is run.

    Attributes:
        suites: Names of suites.
        methods: Names of methods.
        num_seeds: Seeds 0, 1, ... of each case.
        cap: Samples after which a search gives up.
        num_cases: At most so many cases of a suite, evenly spread; 0 for all.
        is_plain: Whether only the first condition of each suite is run.
        slow_cap: As ``cap``, for slow methods.
        slow_cases: As ``num_cases``, for those: so many in the plain condition of a world's first
            suite, half as many in the others. They run on few suites, without given points.
    """

    suites: Sequence[str]
    methods: Sequence[str]
    num_seeds: int = 3
    cap: int = 100
    num_cases: int = 0
    is_plain: bool = False
    slow_cap: int = 60
    slow_cases: int = 8


def quick(scope: Scope) -> Scope:
    """The form of a few minutes: a few cases of each suite, one seed, the plain condition."""
    return replace(scope, num_seeds=1, num_cases=6, is_plain=True, slow_cases=2, slow_cap=30)


def plan(scope: Scope) -> Iterator[Key]:
    """All runs, the quick methods of all suites first."""
    for is_slow in (False, True):
        methods = [name for name in scope.methods if (name in SLOW) == is_slow]
        suites = [name for name in scope.suites if name in WITH_SLOW_METHODS or not is_slow]
        for suite in suites if methods else ():
            for condition in _conditions(suite, scope, is_slow):
                yield from _runs(suite, condition, methods, scope, is_slow)


def _conditions(suite: str, scope: Scope, is_slow: bool) -> list[Condition]:
    conditions = SUITES[suite].conditions[: 1 if scope.is_plain else None]
    return [c for c in conditions if not is_slow or c.start == "none"]


def _runs(
    suite: str, condition: Condition, methods: Sequence[str], scope: Scope, is_slow: bool
) -> Iterator[Key]:
    problems = problems_of(suite)
    cases = spread(list(problems), scope.num_cases)
    if is_slow:
        is_first = suite in FIRST_OF_WORLD and condition == SUITES[suite].conditions[0]
        cases = spread(spread(cases, scope.slow_cases), 0 if is_first else scope.slow_cases // 2)
    cap = min(scope.cap, scope.slow_cap) if is_slow else scope.cap
    for seed in range(scope.num_seeds):
        setup = Setup(seed, cap, condition.noise, condition.infeasible, condition.start)
        for case in cases:
            for method in methods:
                if _applies(method, problems[case].case):
                    yield Key(suite, case, method, setup)


def _applies(method: str, case: Case) -> bool:
    """Whether a method has anything to go by: prices to tell, or knobs that the network knows."""
    if method == PRICED:
        return bool(case.prices)
    return method != "maml" or CPU_CORES in case.parameters


def spread(names: Sequence[str], count: int) -> list[str]:
    """At most ``count`` names, evenly spread over the list; all when ``count`` is 0."""
    if not 0 < count < len(names):
        return list(names)
    return [names[index * len(names) // count] for index in range(count)]
