"""What is compared: suites of test cases, each with the profiled services it may learn from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from benchmarks.search_cost import worlds
from benchmarks.search_cost.case import Case
from benchmarks.search_cost.libraries import name_without
from benchmarks.search_cost.method import Infeasible, Start

_HARD_SEED = 1
_PRODUCTION_SEED = 1


@dataclass(frozen=True)
class Problem:
    """A test case and the cases of other services that a method may have seen."""

    case: Case
    training: tuple[Case, ...]


@dataclass(frozen=True)
class Condition:
    """How a suite is run: noise, what a failure looks like and whether points are given."""

    noise: float
    infeasible: Infeasible = "failed"
    start: Start = "none"

    @property
    def title(self) -> str:
        """In words, for headings."""
        noise = f"{self.noise:.0%} noise" if self.noise else "no noise"
        given = "the paper's initial points" if self.start == "corners" else "no initial points"
        failures = "failures as 0" if self.infeasible == "zero" else "failures as failed trials"
        return f"{noise}, {given}, {failures}"


@dataclass(frozen=True)
class Suite:
    """A world under one objective.

    Attributes:
        title: For headings.
        split: Which services are test and which are training, in a sentence.
        problems: One a test service.
        conditions: The first is the plain one, which slow methods are run under too.
    """

    title: str
    split: str
    problems: Callable[[], list[Problem]]
    conditions: tuple[Condition, ...]


_PLAIN = (Condition(0.0), Condition(0.03))
_GIVEN = (*_PLAIN, Condition(0.0, start="corners"), Condition(0.03, start="corners"))
_FAILING = (*_PLAIN, Condition(0.0, infeasible="zero"))

_OPEN_SOURCE_SPLIT = "32 test services; the 10 others are training services (drawn by seed)"


def _open_source(
    objective: int, hard_seed: int | None = None, off_seed: int | None = None
) -> list[Problem]:
    training, test = worlds.split(worlds.open_source_cases(objective, hard_seed, off_seed))
    return [Problem(case, tuple(training)) for case in test]


def _production() -> list[Problem]:
    training, test = worlds.split(worlds.production_cases(_PRODUCTION_SEED), training=5)
    return [Problem(case, tuple(training)) for case in test]


def _llm(objective: str) -> list[Problem]:
    cases = worlds.llm_cases(objective)
    return held_out_by_family([replace(c, library=name_without(c.family)) for c in cases])


def held_out_by_family(cases: Sequence[Case]) -> list[Problem]:
    """Every case with all cases of other families to learn from."""
    return [
        Problem(case, tuple(other for other in cases if other.family != case.family))
        for case in cases
    ]


def _suites() -> dict[str, Suite]:
    suites: dict[str, Suite] = {}
    for number in (1, 2, 3):
        suites[f"open-source/{number}"] = Suite(
            f"Open-source models, 720 configurations, objective {number}",
            _OPEN_SOURCE_SPLIT,
            partial(_open_source, number),
            _GIVEN if number == 1 else (Condition(0.0), Condition(0.0, start="corners")),
        )
    suites["open-source-off/1"] = Suite(
        "Open-source models on cards whose constants are off by up to 30 %, objective 1",
        _OPEN_SOURCE_SPLIT,
        partial(_open_source, 1, off_seed=_HARD_SEED),
        (Condition(0.0),),
    )
    suites["open-source-hard/1"] = Suite(
        "The same with 10 % of roughness, and interference and cliffs doubled",
        _OPEN_SOURCE_SPLIT,
        partial(_open_source, 1, hard_seed=_HARD_SEED),
        (Condition(0.0),),
    )
    suites["production/1"] = Suite(
        "Production-like services, 100 configurations, objective 1",
        "25 test services; the 5 others are training services (drawn by seed)",
        _production,
        _GIVEN,
    )
    objectives = (
        ("req_per_usd", "requests per dollar"),
        ("req_per_usd_cap", "requests per dollar with the batch as an upper bound"),
        ("rps", "requests per second"),
    )
    for objective, words in objectives:
        suites[f"llm/{objective}"] = Suite(
            f"Large language models, 1,080 configurations, {words}",
            "84 test services (28 models under 3 workloads); training services, and the tables in "
            "the library of `default`, are those of all other families of models",
            partial(_llm, objective),
            _FAILING if objective == "req_per_usd" else (Condition(0.0),),
        )
    return suites


SUITES: Mapping[str, Suite] = _suites()
# Slow methods would need days for all.
FIRST_OF_WORLD = frozenset({"open-source/1", "production/1", "llm/req_per_usd"})
WITH_SLOW_METHODS = FIRST_OF_WORLD | {"open-source/2", "open-source/3"}


@cache
def problems_of(name: str) -> dict[str, Problem]:
    """The problems of a suite by the name of their case; built once."""
    return {problem.case.name: problem for problem in SUITES[name].problems()}
